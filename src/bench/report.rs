//! One table, or JSON.

use std::fmt;

use serde::Serialize;

/// One measured figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub figure: &'static str,
    /// The median.
    pub measured: f64,
    /// Of what the value is.
    pub unit: &'static str,
    /// What it is held against: name and median.
    pub yardstick: Option<(&'static str, f64)>,
    /// The median of the ratios of each round, where there is a yardstick.
    pub ratio: Option<f64>,
    /// What is asked for, in words.
    pub bar: &'static str,
    /// Whether it is met.
    pub met: bool,
}

/// All figures of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How often each phase ran.
    pub rounds: usize,
    /// The machine: processors and system.
    pub machine: String,
    /// What was measured, in order.
    pub figures: Vec<Figure>,
}

impl Report {
    pub(super) fn new(rounds: usize) -> Self {
        Self { rounds, machine: machine(), figures: vec![] }
    }

    pub(super) fn extend(&mut self, figures: Vec<Figure>) {
        self.figures.extend(figures);
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let model = model.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{cores} cores, {model}, {}", std::env::consts::OS)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; median of {} rounds\n", self.machine, self.rounds)?;
        let head = ["figure", "measured", "yardstick", "ratio", "bar", "met"].map(String::from);
        let rows: Vec<_> = std::iter::once(head).chain(self.figures.iter().map(row)).collect();
        let widths: Vec<usize> = (0..6)
            .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        for (index, row) in rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:width$} "));
            writeln!(f, "|{}|", cells.collect::<Vec<_>>().join("|"))?;
            if index == 0 {
                let rule = widths.iter().map(|width| "-".repeat(width + 2));
                writeln!(f, "|{}|", rule.collect::<Vec<_>>().join("|"))?;
            }
        }
        Ok(())
    }
}

fn row(figure: &Figure) -> [String; 6] {
    [
        figure.figure.to_owned(),
        format!("{} {}", number(figure.measured), figure.unit),
        figure
            .yardstick
            .map_or_else(String::new, |(name, value)| format!("{} {name}", number(value))),
        figure.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        figure.bar.to_owned(),
        if figure.met { "yes" } else { "NO" }.to_owned(),
    ]
}

/// Whole, in groups of three; with two digits when it is small.
fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The middle one; of an even count the lower middle one.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// A figure from rounds of (measured, yardstick) that has to reach a ratio.
pub(super) fn against(
    figure: &'static str,
    unit: &'static str,
    yardstick: &'static str,
    rounds: &[(f64, f64)],
    bar: (&'static str, f64),
) -> Figure {
    let column =
        |pick: fn(&(f64, f64)) -> f64| median(&rounds.iter().map(pick).collect::<Vec<_>>());
    let ratio = column(|(measured, yardstick)| measured / yardstick);
    Figure {
        figure,
        measured: column(|(measured, _)| *measured),
        unit,
        yardstick: Some((yardstick, column(|(_, yardstick)| *yardstick))),
        ratio: Some(ratio),
        bar: bar.0,
        met: ratio >= bar.1,
    }
}

#[cfg(test)]
mod tests;
