//! The results as a picture: one bar an operation, on a logarithmic scale.

use super::results::Results;
use crate::Result;
use plotters::prelude::*;
use std::path::Path;

const WIDTH: u32 = 900;
/// Pixels for each operation.
const ROW: u32 = 22;

/// Draws the medians of the boards with interrupt controller `gic` into `path`.
pub fn draw(path: &Path, results: &Results, gic: u8) -> Result<()> {
    let boards = [2, 1].map(|cores| format!("bulkhead-gicv{gic}-{cores}"));
    let mut rows: Vec<(String, u64)> = Vec::new();
    for (name, cost) in boards.iter().filter_map(|board| results.boards.get(board)).flatten() {
        if !rows.iter().any(|(known, _)| known == name) {
            rows.push((name.clone(), cost.median));
        }
    }
    rows.sort_by_key(|(_, median)| *median);
    let highest = rows.last().map_or(10, |(_, median)| *median).max(10) * 3;
    let area = SVGBackend::new(path, (WIDTH, ROW * rows.len() as u32 + 80)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("Bulkhead on GICv{gic}: instructions"), ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(28)
        .y_label_area_size(190)
        .build_cartesian_2d((1u64..highest).log_scale(), (0..rows.len()).into_segmented())?;
    let label = |value: &SegmentValue<usize>| match value {
        SegmentValue::CenterOf(index) => rows.get(*index).map(|(name, _)| name.clone()).unwrap_or_default(),
        _ => String::new(),
    };
    chart.configure_mesh().disable_y_mesh().y_labels(rows.len() + 1).y_label_formatter(&label).draw()?;
    chart.draw_series(rows.iter().enumerate().map(|(index, (_, median))| {
        let corners = [(1, SegmentValue::Exact(index)), ((*median).max(1), SegmentValue::Exact(index + 1))];
        let mut bar = Rectangle::new(corners, BLUE.mix(0.55).filled());
        bar.set_margin(3, 3, 0, 0);
        bar
    }))?;
    chart.draw_series(rows.iter().enumerate().map(|(index, (_, median))| {
        Text::new(format!(" {median}"), ((*median).max(1), SegmentValue::CenterOf(index)), ("sans-serif", 12))
    }))?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::matrix::HYPERVISOR;
    use super::super::results::Cost;
    use super::*;

    #[test]
    fn every_operation_has_its_bar_and_its_number() {
        let mut results = Results::default();
        let cost = |median| Cost { median, minimum: 0, p99: 0, maximum: 0 };
        let costs = [("call".to_owned(), cost(630)), ("touch".to_owned(), cost(2))];
        results.add(&HYPERVISOR[2], costs.into());
        let path = std::env::temp_dir().join(format!("bulkhead-chart-{}.svg", std::process::id()));
        draw(&path, &results, 3).unwrap();
        let picture = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for word in ["call", "touch", "630"] {
            assert!(picture.contains(word), "{word} is not in {picture}");
        }
    }
}
