//! The results as a picture: one bar an operation, on a logarithmic scale, and a dot for each other hypervisor.

use super::matrix::{PEERS, System};
use super::results::Results;
use crate::Result;
use plotters::prelude::*;
use std::path::Path;

const WIDTH: u32 = 900;
/// Pixels for each operation.
const ROW: u32 = 22;

/// The median of one operation under each system.
struct Row {
    name: String,
    ours: u64,
    theirs: [Option<u64>; PEERS.len()],
}

/// Draws the medians of the boards with interrupt controller `gic` into `path`.
pub fn draw(path: &Path, results: &Results, gic: u8) -> Result<()> {
    let rows = rows(results, gic);
    let all = rows.iter().flat_map(|row| row.theirs.into_iter().flatten().chain([row.ours]));
    let highest = all.max().unwrap_or(10).max(10) * 3;
    let area = SVGBackend::new(path, (WIDTH, ROW * rows.len() as u32 + 80)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(caption(results, gic), ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(28)
        .y_label_area_size(190)
        .build_cartesian_2d((1u64..highest).log_scale(), (0..rows.len()).into_segmented())?;
    let label = |value: &SegmentValue<usize>| match value {
        SegmentValue::CenterOf(index) => rows.get(*index).map(|row| row.name.clone()).unwrap_or_default(),
        _ => String::new(),
    };
    chart.configure_mesh().disable_y_mesh().y_labels(rows.len() + 1).y_label_formatter(&label).draw()?;
    chart.draw_series(rows.iter().enumerate().map(|(index, row)| bar(index, row.ours)))?;
    chart.draw_series(rows.iter().enumerate().flat_map(|(index, row)| dots(index, row)))?;
    chart.draw_series(rows.iter().enumerate().map(|(index, row)| {
        Text::new(format!(" {}", row.ours), (row.ours.max(1), SegmentValue::CenterOf(index)), ("sans-serif", 12))
    }))?;
    area.present()?;
    Ok(())
}

/// The operations with ours in ascending order; with two cores where one core has none.
fn rows(results: &Results, gic: u8) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for cores in [1, 2] {
        let board = |system: System| format!("{}-gicv{gic}-{cores}", system.name().to_lowercase());
        for (name, cost) in results.boards.get(&board(System::Bulkhead)).into_iter().flatten() {
            if !rows.iter().any(|known| known.name == *name) {
                let theirs = PEERS.map(|peer| results.get(&board(peer), name).map(|cost| cost.median));
                rows.push(Row { name: name.clone(), ours: cost.median, theirs });
            }
        }
    }
    rows.sort_by_key(|row| row.ours);
    rows
}

fn caption(results: &Results, gic: u8) -> String {
    let named = |peer: &System| results.packages.contains_key(peer.name());
    let dots = PEERS.iter().filter(|peer| named(peer)).map(|&peer| match peer {
        System::Xen => ", Xen (red)",
        _ => ", KVM (green)",
    });
    format!("Bulkhead{} on GICv{gic}: instructions", dots.collect::<String>())
}

fn color(peer: System) -> RGBColor {
    if peer == System::Xen { RED } else { RGBColor(0, 128, 0) }
}

fn bar(index: usize, median: u64) -> Rectangle<(u64, SegmentValue<usize>)> {
    let corners = [(1, SegmentValue::Exact(index)), (median.max(1), SegmentValue::Exact(index + 1))];
    let mut bar = Rectangle::new(corners, BLUE.mix(0.55).filled());
    bar.set_margin(3, 3, 0, 0);
    bar
}

fn dots(index: usize, row: &Row) -> impl Iterator<Item = Circle<(u64, SegmentValue<usize>), i32>> {
    let theirs = row.theirs.into_iter().zip(PEERS).filter_map(|(median, peer)| Some((median?.max(1), peer)));
    theirs.map(move |(median, peer)| Circle::new((median, SegmentValue::CenterOf(index)), 5, color(peer).filled()))
}

#[cfg(test)]
mod tests {
    use super::super::matrix::boards;
    use super::super::results::Cost;
    use super::*;

    #[test]
    fn every_operation_has_its_bar_its_number_and_the_others_dots() {
        let mut results = Results::default();
        let cost = |median| Cost { median, minimum: 0, p99: 0, maximum: 0 };
        let ours = [("call".into(), cost(630)), ("touch".into(), cost(2))].into();
        let others = [("call".into(), cost(900))].into();
        results.boards.insert(boards(System::Bulkhead)[2].to_string(), ours);
        results.boards.insert(boards(System::Xen)[2].to_string(), others);
        results.packages.insert("Xen".into(), "xen 4".into());
        let path = std::env::temp_dir().join(format!("bulkhead-chart-{}.svg", std::process::id()));
        draw(&path, &results, 3).unwrap();
        let picture = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for word in ["call", "touch", "630", "Bulkhead, Xen (red) on GICv3"] {
            assert!(picture.contains(word), "{word} is not in {picture}");
        }
        assert_eq!(picture.matches("<circle").count(), 1);
    }
}
