//! The results as pictures.

use super::Row;
use super::jitter::{Beside, Case, Jitter, Latency};
use super::scaling::{self, Grows, OPERATIONS, Point};
use super::table::{beside, grouped};
use crate::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::Path;

const WIDTH: u32 = 900;
/// Pixels for each board of [`jitter`].
const ROW: u32 = 30;
/// Pixels for each half of [`growth`].
const HALF: u32 = 330;
/// Of lines.
const COLORS: [RGBColor; 4] = [BLUE, RED, RGBColor(0, 128, 0), RGBColor(160, 90, 0)];

type Area<'p> = DrawingArea<SVGBackend<'p>, Shift>;

/// A bar from the least latency to the largest for each board, a dot at the median, and when a period would be missed.
pub fn jitter(path: &Path, rows: &[Row<Case, Jitter>]) -> Result<()> {
    let bars: Vec<(String, Latency)> = rows.iter().rev().flat_map(bars).collect();
    let area = SVGBackend::new(path, (WIDTH, ROW * bars.len() as u32 + 90)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("FreeRTOS's 1 kHz loop: nanoseconds from due to begun (a miss: 1,000,000)", ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(28)
        .y_label_area_size(330)
        .build_cartesian_2d((100u64..2_000_000).log_scale(), (0..bars.len()).into_segmented())?;
    let label = |value: &SegmentValue<usize>| match value {
        SegmentValue::CenterOf(index) => bars.get(*index).map(|bar| bar.0.clone()).unwrap_or_default(),
        _ => String::new(),
    };
    let mut mesh = chart.configure_mesh();
    mesh.disable_y_mesh().y_labels(bars.len() + 1).y_label_formatter(&label);
    mesh.x_label_formatter(&|value| grouped(*value)).draw()?;
    chart.draw_series(bars.iter().enumerate().map(|(index, (_, latency))| {
        let ends = [latency.minimum, latency.maximum.max(latency.minimum + 1)].map(|end| end.max(100));
        let mut bar = Rectangle::new(
            [(ends[0], SegmentValue::Exact(index)), (ends[1], SegmentValue::Exact(index + 1))],
            BLUE.mix(0.5).filled(),
        );
        bar.set_margin(9, 9, 0, 0);
        bar
    }))?;
    chart.draw_series(bars.iter().enumerate().map(|(index, (_, latency))| {
        Circle::new((latency.median.max(100), SegmentValue::CenterOf(index)), 4, BLACK.filled())
    }))?;
    chart.draw_series(bars.iter().enumerate().map(|(index, (_, latency))| {
        let Latency { median, maximum, missed, .. } = *latency;
        let told = format!("  {} to {}, {missed} missed", grouped(median), grouped(maximum));
        Text::new(told, (maximum, SegmentValue::CenterOf(index)), ("sans-serif", 12))
    }))?;
    chart.draw_series(LineSeries::new(
        [(1_000_000, SegmentValue::Exact(0)), (1_000_000, SegmentValue::Exact(bars.len()))],
        RED.stroke_width(2),
    ))?;
    area.present()?;
    Ok(())
}

/// The bars of one board, the lowest first.
fn bars(row: &Row<Case, Jitter>) -> Vec<(String, Latency)> {
    let name = |beside: &str| format!("GICv{}, {beside}", row.case.gic);
    let mut bars = vec![(name(&beside(&row.case)), row.value.loaded)];
    if matches!(row.case.beside, Beside::Linux("work")) {
        bars.push((name("Bulkhead, beside a Linux that boots"), row.value.booting));
    }
    bars
}

/// What a trap costs and what boot takes on GICv3, over the number of VMs and over one VM's vCPUs.
pub fn growth(path: &Path, rows: &[Row<scaling::Case, Point>]) -> Result<()> {
    let area = SVGBackend::new(path, (WIDTH, 2 * HALF)).into_drawing_area();
    area.fill(&WHITE)?;
    let quarters = area.split_evenly((2, 2));
    for (grows, what, quarters) in
        [(Grows::Vms, "VMs", &quarters[..2]), (Grows::Vcpus, "one VM's vCPUs", &quarters[2..])]
    {
        let points = rows.iter().filter(|row| row.case.gic == 3 && row.case.grows == grows);
        let points: Vec<&Point> = points.map(|row| &row.value).collect();
        let cost = |name: &str| points.iter().map(|point| point.costs.get(name).map_or(0, |it| it.median)).collect();
        lines(&quarters[0], &format!("A trap's instructions over {what}"), &OPERATIONS.map(|name| (name, cost(name))))?;
        let boot = points.iter().map(|point| point.guest / 1000).collect();
        let boot = [("until a guest runs, zeroing and copying left out", boot)];
        lines(&quarters[1], &format!("The boot's thousand instructions over {what}"), &boot)?;
    }
    area.present()?;
    Ok(())
}

/// A line for each of `series`, whose values are those of 1, 2, 3 and so on.
fn lines(area: &Area<'_>, caption: &str, series: &[(&str, Vec<u64>)]) -> Result<()> {
    let highest = series.iter().flat_map(|(_, values)| values).copied().max().unwrap_or(0).max(1);
    let count = series.iter().map(|(_, values)| values.len()).max().unwrap_or(0).max(2);
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(24)
        .y_label_area_size(50)
        .build_cartesian_2d(1..count as u64, 0..highest + highest / 2)?;
    chart
        .configure_mesh()
        .x_labels(count)
        .y_label_formatter(&|value| grouped(*value))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for ((name, values), color) in series.iter().zip(COLORS) {
        let points = || (1u64..).zip(values.iter().copied());
        chart
            .draw_series(LineSeries::new(points(), color.stroke_width(2)).point_size(3))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    let legend = SeriesLabelPosition::UpperLeft;
    chart.configure_series_labels().position(legend).label_font(("sans-serif", 12)).draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::Cost;

    fn drawn(name: &str, draw: impl Fn(&Path) -> Result<()>) -> String {
        let path = std::env::temp_dir().join(format!("bulkhead-{name}-{}.svg", std::process::id()));
        draw(&path).unwrap();
        let picture = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        picture
    }

    #[test]
    fn every_board_has_its_bar_and_its_numbers() {
        let latency = |median| Latency { periods: 9, minimum: 300, median, p99: 1400, maximum: 1500, missed: 2 };
        let case = |beside| Case { gic: 3, beside, turn: 200 };
        let row = |beside, median| Row {
            case: case(beside),
            value: Jitter { booting: latency(median + 1), loaded: latency(median) },
            is_exact: true,
        };
        let rows = [row(Beside::Nothing, 400), row(Beside::Linux("work"), 1234)];
        let picture = drawn("jitter", |path| jitter(path, &rows));
        for text in
            ["the bare board", "beside a Linux at work", "beside a Linux that boots", "1,234 to 1,500, 2 missed"]
        {
            assert!(picture.contains(text), "{text} is not in {picture}");
        }
        assert_eq!(picture.matches("<circle").count(), 3);
    }

    #[test]
    fn every_operation_has_its_line() {
        let cost = Cost { median: 171, minimum: 1, p99: 2, maximum: 3 };
        let costs = OPERATIONS.map(|name| (name.to_owned(), cost));
        let value = Point { guest: 5000, all_guests: 1, kept: 948, heap: 1, costs: costs.into() };
        let row =
            |count, grows| Row { case: scaling::Case { gic: 3, grows, count }, value: value.clone(), is_exact: true };
        let rows = [Grows::Vms, Grows::Vcpus].map(|grows| [row(1, grows), row(2, grows)]).into_iter().flatten();
        let rows: Vec<_> = rows.collect();
        let picture = drawn("growth", |path| growth(path, &rows));
        for name in OPERATIONS {
            assert_eq!(picture.matches(name).count(), 2, "{name} in {picture}");
        }
    }
}
