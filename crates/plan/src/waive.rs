//! Waivers: dangers and broken promises that the file accepts, each with a reason and a last day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tenantry_file::Loaded;

use crate::plan::{Finding, Plan};

/// The waivers of a file, as of a day.
#[derive(Debug, Default)]
pub(crate) struct Waivers {
    /// By address and code.
    all: BTreeMap<(String, String), Waiver>,
    today: Date,
}

#[derive(Debug)]
struct Waiver {
    reason: String,
    until: Date,
    place: Option<String>,
}

impl Waivers {
    /// Those of the file; `now` in microseconds since 1970 UTC.
    pub(crate) fn of(loaded: &Loaded, now: i64) -> Waivers {
        let today = Timestamp::from_microsecond(now).map(|now| now.to_zoned(TimeZone::UTC).date()).unwrap_or_default();
        let mut all = BTreeMap::new();
        for (address, codes) in &loaded.document().waive {
            for (code, declared) in codes {
                // Loading has refused what is no day.
                let Some((year, month, day)) = declared.until.parse() else { continue };
                let (Ok(year), Ok(month), Ok(day)) = (i16::try_from(year), i8::try_from(month), i8::try_from(day))
                else {
                    continue;
                };
                let Ok(until) = Date::new(year, month, day) else { continue };
                let waiver =
                    Waiver { reason: declared.reason.clone(), until, place: loaded.located(&["waive", address, code]) };
                all.insert((address.clone(), code.clone()), waiver);
            }
        }
        Waivers { all, today }
    }

    /// What to say of a danger that is waived: why, and until when.
    pub(crate) fn of_danger(&self, address: &str, code: &str) -> Option<String> {
        let waiver = self.all.get(&(address.to_owned(), code.to_owned()))?;
        (self.today <= waiver.until).then(|| format!("{} (until {})", waiver.reason, waiver.until))
    }

    /// Waives the dangers of a plan's steps.
    pub(crate) fn waive(&self, plan: &mut Plan) {
        for step in &mut plan.steps {
            for danger in &mut step.dangers {
                if danger.waived.is_none() {
                    danger.waived = self.of_danger(step.address.as_str(), danger.code);
                }
            }
        }
    }

    /// Waivers that ran out: what they accepted is accepted no longer.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let expired = self.all.iter().filter(|(_, waiver)| waiver.until < self.today);
        expired
            .map(|((address, code), waiver)| Finding {
                code: "waiver-expired",
                address: address.clone(),
                what: format!("the waiver of {code} ended on {}; it accepts nothing any more", waiver.until),
                place: waiver.place.clone(),
            })
            .collect()
    }
}
