//! A chart of lines over named places, its scale logarithmic.

use std::fmt::Write as _;

/// What is drawn.
#[derive(Debug, Default)]
pub struct Chart {
    pub title: String,
    /// What the numbers are.
    pub unit: &'static str,
    /// Along the bottom.
    pub places: Vec<String>,
    pub lines: Vec<Line>,
}

#[derive(Debug)]
pub struct Line {
    pub name: String,
    /// One for each place, where there is one.
    pub values: Vec<Option<f64>>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;

/// Told apart by those who see colours otherwise, too (Okabe and Ito).
const COLOURS: &[&str] = &[
    "#0072b2", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#999999", "#000000",
];

impl Chart {
    /// The file's text; none where nothing is there to be drawn.
    pub fn svg(&self) -> Option<String> {
        let values = self.lines.iter().flat_map(|line| &line.values);
        let values = values.flatten().copied().filter(|value| *value > 0.0);
        let least = values.clone().min_by(f64::total_cmp)?;
        let most = values.max_by(f64::total_cmp)?;
        let (low, high) = (
            least.log10().floor(),
            most.log10().ceil().max(least.log10().floor() + 1.0),
        );
        let x = |place: usize| {
            let part = (place as f64 + 0.5) / self.places.len() as f64;
            LEFT + part * (WIDTH - LEFT - RIGHT)
        };
        let y = |value: f64| {
            let part = (value.log10() - low) / (high - low);
            HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
        };

        let mut body = String::new();
        let mut text = |x: f64, y: f64, anchor: &str, words: &str| {
            let words = escaped(words);
            // Writing to a string cannot fail.
            let _ = writeln!(
                body,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
            );
        };
        text(
            LEFT,
            20.0,
            "start",
            &format!("{}, {}", self.title, self.unit),
        );
        for (place, name) in self.places.iter().enumerate() {
            text(x(place), HEIGHT - BOTTOM + 20.0, "middle", name);
        }
        let decades = (low as i32)..=(high as i32);
        for decade in decades.clone() {
            let value = 10_f64.powi(decade);
            text(LEFT - 6.0, y(value) + 4.0, "end", &short(value));
        }
        for (i, line) in self.lines.iter().enumerate() {
            let y = TOP + 18.0 * i as f64;
            text(WIDTH - RIGHT + 30.0, y + 4.0, "start", &line.name);
        }
        for decade in decades {
            let y = y(10_f64.powi(decade));
            let right = WIDTH - RIGHT;
            let _ = writeln!(body, "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>");
        }
        for (i, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let legend = TOP + 18.0 * i as f64;
            let left = WIDTH - RIGHT + 8.0;
            let mut path = format!("M{left} {legend}h16");
            let mut pen_is_down = false;
            for (place, value) in line.values.iter().enumerate() {
                let Some(value) = value.filter(|value| *value > 0.0) else {
                    pen_is_down = false;
                    continue;
                };
                let command = if pen_is_down { 'L' } else { 'M' };
                let _ = write!(path, "{command}{:.1} {:.1}", x(place), y(value));
                pen_is_down = true;
                let _ = writeln!(
                    body,
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                    x(place),
                    y(value)
                );
            }
            let _ = writeln!(
                body,
                "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
            );
        }
        Some(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
        ))
    }
}

fn short(value: f64) -> String {
    match value {
        v if v >= 1e9 => format!("{} G", v / 1e9),
        v if v >= 1e6 => format!("{} M", v / 1e6),
        v if v >= 1e3 => format!("{} k", v / 1e3),
        v => format!("{v}"),
    }
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_leaves_a_gap() {
        let chart = Chart {
            title: "a < b".to_owned(),
            unit: "messages a second",
            places: ["16 B", "64 B", "1 KiB", "2 KiB"]
                .map(str::to_owned)
                .to_vec(),
            lines: vec![Line {
                name: "libzmq".to_owned(),
                values: vec![Some(10.0), Some(1000.0), None, Some(100.0)],
            }],
        };
        let svg = chart.svg().unwrap();
        assert!(svg.contains("a &lt; b"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 3);
        // The legend, the first of two, and the one alone.
        assert_eq!(svg.matches('M').count(), 3 + 3);
    }

    #[test]
    fn without_values_there_is_no_chart() {
        assert!(Chart::default().svg().is_none());
    }
}
