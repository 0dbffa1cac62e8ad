//! What junit-report has no place for: properties of a suite, and how many of its cases were skipped.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};

/// Adds the number of skipped cases of each suite and these properties to all of them.
pub(super) fn decorate(xml: &[u8], skipped: &[usize], properties: &[(&str, String)]) -> String {
    let decorated = decorated(xml, skipped, properties);
    // A report without them is better than none.
    String::from_utf8(decorated.unwrap_or_else(|_| xml.to_vec())).unwrap_or_default()
}

fn decorated(xml: &[u8], skipped: &[usize], properties: &[(&str, String)]) -> Result<Vec<u8>, quick_xml::Error> {
    let mut reader = Reader::from_reader(xml);
    let mut writer = Writer::new(Vec::with_capacity(xml.len() + 1024));
    let mut suites = skipped.iter();
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(writer.into_inner()),
            Event::Start(mut suite) if suite.name().as_ref() == b"testsuite" => {
                suite.push_attribute(("skipped", suites.next().unwrap_or(&0).to_string().as_str()));
                writer.write_event(Event::Start(suite))?;
                writer.create_element("properties").write_inner_content(|writer| {
                    for (name, value) in properties {
                        let mut property = BytesStart::new("property");
                        property.push_attribute(("name", *name));
                        property.push_attribute(("value", value.as_str()));
                        writer.write_event(Event::Empty(property))?;
                    }
                    Ok(())
                })?;
            }
            // Lines are easier to look at, and to compare.
            event @ (Event::End(_) | Event::Decl(_)) => {
                writer.write_event(event)?;
                writer.get_mut().push(b'\n');
            }
            event => writer.write_event(event)?,
        }
    }
}
