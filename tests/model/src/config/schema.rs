//! Judges trees by the schemas in `hypervisor/docs/schema`, as far as those go: the keywords that they use, no others.

use bulkhead_vmm::fdt::{Node, Property, Tree};
use yaml_rust2::{Yaml, YamlLoader};

/// The schemas, by the `compatible` that each is about.
const SCHEMAS: [(&str, &str); 4] = [
    ("bulkhead,hypervisor", include_str!("../../../../hypervisor/docs/schema/bulkhead,hypervisor.yaml")),
    ("bulkhead,vm", include_str!("../../../../hypervisor/docs/schema/bulkhead,vm.yaml")),
    ("xen,domain", include_str!("../../../../hypervisor/docs/schema/bulkhead,vm.yaml")),
    ("multiboot,module", include_str!("../../../../hypervisor/docs/schema/multiboot,module.yaml")),
];

/// The schema about nodes with the `compatible` string `compatible`.
///
/// # Panics
/// There is none, or it is no YAML.
pub fn schema(compatible: &str) -> Yaml {
    let (_, text) = SCHEMAS.iter().find(|(name, _)| *name == compatible).expect("a schema");
    YamlLoader::load_from_str(text).expect("YAML").remove(0)
}

/// Names of the properties that `schema` knows.
pub fn properties(schema: &Yaml) -> Vec<String> {
    let names = schema["properties"].as_hash().expect("properties").keys();
    names.filter_map(Yaml::as_str).filter(|name| *name != "$nodename").map(String::from).collect()
}

/// What the schemas have against `tree`, a line each.
pub fn objections(tree: &Tree) -> Vec<String> {
    let mut objections = Vec::new();
    let view = tree.view();
    for node in view.nodes().filter(|node| node.path().starts_with("/chosen/")) {
        let about = SCHEMAS.iter().find(|(name, _)| node.is_compatible(&[name]));
        if let Some((name, _)) = about {
            judge(&node, &schema(name), &mut objections);
        }
    }
    objections
}

fn judge(node: &Node<'_>, schema: &Yaml, objections: &mut Vec<String>) {
    let mut object = |what: String| objections.push(format!("{}: {what}", node.path()));
    let has = |name: &Yaml| name.as_str().is_some_and(|name| node.has(name));
    let list = |value: &Yaml| value.as_vec().cloned().unwrap_or_default();
    // As with dtschema, a node that is switched off need not be complete.
    let complete = |rule: &Yaml| if node.is_enabled() { list(rule) } else { Vec::new() };
    complete(&schema["required"]).iter().filter(|name| !has(name)).for_each(|name| object(format!("no {name:?}")));
    for (name, needs) in schema["dependencies"].as_hash().into_iter().flatten().filter(|(name, _)| has(name)) {
        list(needs).iter().filter(|other| !has(other)).for_each(|other| object(format!("{name:?} without {other:?}")));
    }
    let choices = complete(&schema["anyOf"]);
    if !choices.is_empty() && !choices.iter().any(|choice| list(&choice["required"]).iter().all(has)) {
        object(format!("none of {choices:?}"));
    }
    for (name, property) in node.properties() {
        match &schema["properties"][name] {
            Yaml::BadValue => object(format!("{name} is unknown")),
            rule if fits(&property, rule) => {}
            rule => object(format!("{name} does not fit {rule:?}")),
        }
    }
}

/// Whether a property's value fits the rule for it.
fn fits(property: &Property<'_>, rule: &Yaml) -> bool {
    let kind = rule["$ref"].as_str().and_then(|kind| kind.rsplit('/').next());
    match kind {
        Some("flag") => property.value.is_empty(),
        Some("uint32") => property.u32().is_some_and(|number| number_fits(number.into(), rule)),
        Some("uint64") => property.u64().is_some_and(|number| number_fits(number, rule)),
        Some("uint32-array") => property.cells().is_some_and(|cells| cells_fit(&cells, rule)),
        Some("string") => property.string().is_some_and(|text| text_fits(text, rule)),
        Some(kind) => panic!("an unknown type {kind}"),
        None => untyped_fits(property, rule),
    }
}

/// A rule without a type: strings with the choices or items that it gives, one cell, or anything.
fn untyped_fits(property: &Property<'_>, rule: &Yaml) -> bool {
    let texts: Vec<&str> = property.strings().collect();
    if rule["const"].as_str().is_some() || rule["enum"][0].as_str().is_some() {
        return texts.iter().all(|text| text_fits(text, rule)) && texts.len() == 1;
    }
    if rule["items"]["enum"][0].as_str().is_some() {
        return texts.iter().all(|text| text_fits(text, &rule["items"])) && count_fits(texts.len(), rule);
    }
    if rule["items"]["items"].as_hash().is_some() {
        let one = property.u32().filter(|_| rule["items"]["maxItems"].as_i64() == Some(1));
        return one.is_some_and(|number| number_fits(number.into(), &rule["items"]["items"]));
    }
    if rule["enum"][0].as_i64().is_some() {
        return property.u32().is_some_and(|number| number_fits(number.into(), rule));
    }
    true
}

fn number_fits(number: u64, rule: &Yaml) -> bool {
    let limit = |name: &str| rule[name].as_i64().and_then(|limit| u64::try_from(limit).ok());
    let choices = rule["enum"].as_vec();
    limit("minimum").is_none_or(|least| number >= least)
        && limit("maximum").is_none_or(|most| number <= most)
        && limit("multipleOf").is_none_or(|factor| number.is_multiple_of(factor))
        && choices.is_none_or(|choices| choices.contains(&Yaml::Integer(number as i64)))
}

fn cells_fit(cells: &[u32], rule: &Yaml) -> bool {
    let mut distinct = cells.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    count_fits(cells.len(), rule) && (rule["uniqueItems"].as_bool() != Some(true) || distinct.len() == cells.len())
}

fn count_fits(count: usize, rule: &Yaml) -> bool {
    let limit = |name: &str| rule[name].as_i64().and_then(|limit| usize::try_from(limit).ok());
    limit("minItems").is_none_or(|least| count >= least) && limit("maxItems").is_none_or(|most| count <= most)
}

fn text_fits(text: &str, rule: &Yaml) -> bool {
    let choices = rule["enum"].as_vec();
    // The only pattern is that of names.
    let name = |text: &str| text.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"._-".contains(&sign));
    rule["const"].as_str().is_none_or(|only| only == text)
        && choices.is_none_or(|choices| choices.iter().any(|choice| choice.as_str() == Some(text)))
        && rule["pattern"].as_str().is_none_or(|_| name(text) && (1..=31).contains(&text.len()))
}
