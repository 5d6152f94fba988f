//! `--format`: as much of Go's templates as people type every day.
//!
//! ```text
//!   {{.Name}}  {{.Options.parent}}  {{json .}}  {{json .Containers}}  {{range .IPAM.Config}}{{.Subnet}} {{end}}  \t  \n
//! ```

use super::Result;
use serde_json::Value;

/// A template that has been read.
#[derive(Debug)]
pub struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Field(Path),
    Json(Path),
    /// The same for each element.
    Range(Path, Template),
}

/// `.A.b`, without the dots.
type Path = Vec<String>;

impl Template {
    /// Reads a template; `json` alone is `{{json .}}`.
    pub fn read(text: &str) -> Result<Self> {
        let text = if text == "json" { "{{json .}}" } else { text };
        let text = text.replace("\\t", "\t").replace("\\n", "\n");
        let mut rest = text.as_str();
        Self::read_until_end(&mut rest, false)
    }

    fn read_until_end(rest: &mut &str, is_in_range: bool) -> Result<Self> {
        let mut pieces = Vec::new();
        while let Some((before, action)) = rest.split_once("{{") {
            pieces.push(Piece::Text(before.to_owned()));
            let (action, after) = action.split_once("}}").ok_or("template parsing error: unclosed action")?;
            *rest = after;
            let words: Vec<_> = action.split_whitespace().collect();
            let piece = match words[..] {
                ["end"] if is_in_range => return Ok(Self(pieces)),
                [path] => path_of(path).map(Piece::Field),
                ["json", path] => path_of(path).map(Piece::Json),
                ["range", path] => match path_of(path) {
                    Some(path) => Some(Piece::Range(path, Self::read_until_end(rest, true)?)),
                    None => None,
                },
                _ => None,
            };
            let known = "here there are {{.Field}}, {{json .Field}} and {{range .Field}}…{{end}}";
            pieces.push(piece.ok_or_else(|| format!("template parsing error: {{{{{action}}}}}: {known}"))?);
        }
        if is_in_range {
            return Err("template parsing error: a {{range}} without {{end}}".into());
        }
        pieces.push(Piece::Text(std::mem::take(rest).to_owned()));
        Ok(Self(pieces))
    }

    /// The text that it makes of a value.
    pub fn fill(&self, value: &Value) -> Result<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(own) => text += own,
                Piece::Field(path) => text += &printed(path, find(path, value)?)?,
                Piece::Json(path) => text += &find(path, value)?.to_string(),
                Piece::Range(path, each) => {
                    let elements: Vec<_> = match find(path, value)? {
                        Value::Array(elements) => elements.iter().collect(),
                        Value::Object(fields) => fields.values().collect(),
                        _ => return Err(format!("{{{{range .{}}}}}: it is no list", path.join(".")).into()),
                    };
                    for element in elements {
                        text += &each.fill(element)?;
                    }
                }
            }
        }
        Ok(text)
    }
}

fn path_of(word: &str) -> Option<Path> {
    let names = word.strip_prefix('.')?;
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let path: Path = if names.is_empty() { Vec::new() } else { names.split('.').map(str::to_owned).collect() };
    path.iter().all(|name| is_name(name)).then_some(path)
}

fn find<'v>(path: &[String], value: &'v Value) -> Result<&'v Value> {
    let mut found = value;
    for name in path {
        let fields = found.as_object();
        let there = || fields.map(|fields| fields.keys().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default();
        let field = fields.and_then(|fields| fields.get(name));
        // A missing key of a map is no mistake where users choose the keys.
        let is_map = matches!(path, [map, _] if ["Options", "Labels"].contains(&map.as_str()));
        found = field
            .or(is_map.then_some(&Value::Null))
            .ok_or_else(|| format!("template: there is no {name} in .{}: there are {}", path.join("."), there()))?;
    }
    Ok(found)
}

fn printed(path: &[String], value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok("<no value>".to_owned()),
        Value::Array(_) | Value::Object(_) => {
            let path = path.join(".");
            Err(format!("template: .{path} is not one value: print it with {{{{json .{path}}}}}").into())
        }
        value => Ok(value.to_string()),
    }
}
