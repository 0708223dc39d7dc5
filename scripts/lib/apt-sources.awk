# Reads apt sources, one-line and deb822 (sources.list(5)), and prints "SUITE URI KEYRING" for each binary archive
# with the component main. The keyring is empty where the source leaves it to apt. A key that stands in the
# source itself is not passed on: apt then takes the keyrings it trusts for all archives.

function print_all(    suite, uri) {
    if (types ~ /(^| )deb( |$)/ && components ~ /(^| )main( |$)/ && enabled !~ /^[Nn]/) {
        suite_count = split(suites, suite_list, " ")
        uri_count = split(uris, uri_list, " ")
        for (suite = 1; suite <= suite_count; suite++)
            for (uri = 1; uri <= uri_count; uri++)
                print suite_list[suite], uri_list[uri], keyring
    }
    types = suites = uris = components = enabled = keyring = field = ""
}

function set_field(name, value) {
    if (name == "types") types = types " " value
    else if (name == "uris") uris = uris " " value
    else if (name == "suites") suites = suites " " value
    else if (name == "components") components = components " " value
    else if (name == "enabled") enabled = value
    else if (name == "signed-by" && value ~ /^\//) keyring = value
}

function one_line(    first, options, option) {
    keyring = ""
    first = 2
    if ($2 ~ /^\[/) {
        while (first <= NF && $first !~ /\]$/) first++
        first++
        options = $0
        sub(/^[^[]*\[/, "", options)
        sub(/\].*/, "", options)
        option_count = split(options, option_list, " ")
        for (option = 1; option <= option_count; option++)
            if (option_list[option] ~ /^signed-by=/) keyring = substr(option_list[option], 11)
    }
    types = "deb"
    uris = $first
    suites = $(first + 1)
    for (first += 2; first <= NF; first++) components = components " " $first
    print_all()
}

/^[[:space:]]*#/ { next }
/^[[:space:]]*$/ { print_all(); next }
/^deb[[:space:]]/ { print_all(); sub(/[[:space:]]#.*/, ""); one_line(); next }
/^deb-src[[:space:]]/ { next }
/^[A-Za-z-]+:/ {
    field = tolower(substr($0, 1, index($0, ":") - 1))
    if (field == "types" && types != "") print_all()
    field = tolower(substr($0, 1, index($0, ":") - 1))
    value = substr($0, index($0, ":") + 1)
    gsub(/^[[:space:]]+|[[:space:]]+$/, "", value)
    set_field(field, value)
    next
}
/^[[:space:]]/ { value = $0; gsub(/^[[:space:]]+|[[:space:]]+$/, "", value); set_field(field, value) }
END { print_all() }
