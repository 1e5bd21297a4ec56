//! Dates, clock times and opening hours in a zone. Time is always an argument.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::{Value as Json, json};

const DAYS: [(&str, Weekday); 7] = [
    ("sun", Weekday::Sunday),
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
];

/// Days of the week and the time between two minutes of the day, such as `sun-thu 09:00-18:00`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Period {
    /// Counted from Sunday.
    days: [bool; 7],
    from: u32,
    to: u32,
}

/// A moment as templates see it under `now`: `millis` (since 1970), `date` (`2026-11-21`), `time` (`09:05`),
/// `weekday` (`sun` … `sat`), `year`, `month`, `day`, `hour`, `minute` and `zone`.
///
/// # Errors
/// Says what is wrong with the zone or the number.
pub fn moment(millis: i64, zone: &str) -> Result<Json, String> {
    let at = local(millis, zone)?;
    Ok(json!({
        "millis": millis,
        "date": at.strftime("%Y-%m-%d").to_string(),
        "time": at.strftime("%H:%M").to_string(),
        "weekday": DAYS[day_index(at.weekday())].0,
        "year": at.year(),
        "month": at.month(),
        "day": at.day(),
        "hour": at.hour(),
        "minute": at.minute(),
        "zone": zone,
    }))
}

/// Whether a moment lies within opening hours: days and times, several of them parted by commas, such as
/// `sun-thu 09:00-18:00, fri 09:00-13:00`. A time that ends before it begins runs past midnight, and belongs to the
/// day on which it began.
///
/// # Errors
/// Says what is wrong with the hours or the zone.
pub fn open(millis: i64, hours: &str, zone: &str) -> Result<bool, String> {
    let periods = periods(hours)?;
    let at = local(millis, zone)?;
    let today = day_index(at.weekday());
    let yesterday = (today + 6) % 7;
    let minute = minute_of(at.hour(), at.minute());
    Ok(periods.iter().any(|period| {
        if period.from < period.to {
            period.days[today] && (period.from..period.to).contains(&minute)
        } else {
            (period.days[today] && minute >= period.from) || (period.days[yesterday] && minute < period.to)
        }
    }))
}

/// Whether a moment lies between two times of day, the second excluded; past midnight where the second is earlier.
///
/// # Errors
/// Says what is wrong with a time or the zone.
pub fn between(millis: i64, from: &str, to: &str, zone: &str) -> Result<bool, String> {
    open(millis, &format!("sun-sat {from}-{to}"), zone)
}

/// A moment in words of a `strftime` format, such as `%d.%m.%Y %H:%M`.
///
/// # Errors
/// Says what is wrong with the format or the zone.
pub fn date(millis: i64, format: &str, zone: &str) -> Result<String, String> {
    let at = local(millis, zone)?;
    jiff::fmt::strtime::format(format, &at).map_err(|error| format!("`{format}` is no date format: {error}"))
}

/// Reads opening hours without asking whether they hold.
///
/// # Errors
/// Says what is wrong with them.
pub fn check_hours(hours: &str) -> Result<(), String> {
    periods(hours).map(|_| ())
}

/// Looks a zone up.
///
/// # Errors
/// Says that there is no such zone.
pub fn check_zone(zone: &str) -> Result<(), String> {
    find_zone(zone).map(|_| ())
}

fn local(millis: i64, zone: &str) -> Result<jiff::Zoned, String> {
    let timestamp =
        Timestamp::from_millisecond(millis).map_err(|_| format!("`{millis}` is no moment in milliseconds"))?;
    Ok(timestamp.to_zoned(find_zone(zone)?))
}

/// Only the zones built in are asked, so that the answer is the same on every machine.
fn find_zone(zone: &str) -> Result<TimeZone, String> {
    TimeZoneDatabase::bundled()
        .get(zone)
        .map_err(|_| format!("there is no time zone `{zone}`; an example is `Asia/Jerusalem`"))
}

fn periods(hours: &str) -> Result<Vec<Period>, String> {
    hours.split(',').map(period).collect()
}

fn period(text: &str) -> Result<Period, String> {
    let text = text.trim();
    let wrong = || format!("`{text}` are no opening hours; an example is `sun-thu 09:00-18:00`");
    let (days, times) = text.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let (from, to) = times.trim().split_once('-').ok_or_else(wrong)?;
    let (from, to) = (minute(from)?, minute(to)?);
    if from == to {
        return Err(format!("`{text}` ends when it begins; the whole day is `00:00-24:00`"));
    }
    let mut set = [false; 7];
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let (mut day, last) = (weekday(first)?, weekday(last)?);
    set[day] = true;
    while day != last {
        day = (day + 1) % 7;
        set[day] = true;
    }
    Ok(Period { days: set, from, to })
}

fn weekday(text: &str) -> Result<usize, String> {
    DAYS.iter()
        .position(|(name, _)| name.eq_ignore_ascii_case(text.trim()))
        .ok_or_else(|| format!("`{text}` is no day; write `sun`, `mon`, `tue`, `wed`, `thu`, `fri` or `sat`"))
}

/// Minutes since midnight; `24:00` is the end of a day.
fn minute(text: &str) -> Result<u32, String> {
    let text = text.trim();
    let number = |digits: &str| {
        let good = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| digits.parse::<u32>().ok()).flatten()
    };
    text.split_once(':')
        .and_then(|(hours, minutes)| Some((number(hours)?, number(minutes)?)))
        .filter(|(hours, minutes)| (*hours < 24 && *minutes < 60) || (*hours, *minutes) == (24, 0))
        .map(|(hours, minutes)| hours * 60 + minutes)
        .ok_or_else(|| format!("`{text}` is no time of day; an example is `09:00`"))
}

fn minute_of(hour: i8, minute: i8) -> u32 {
    u32::from(hour.unsigned_abs()) * 60 + u32::from(minute.unsigned_abs())
}

fn day_index(day: Weekday) -> usize {
    DAYS.iter().position(|(_, one)| *one == day).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ZONE: &str = "Asia/Jerusalem";
    const HOUR: i64 = 3_600_000;
    /// Sunday, 22 November 2026, 00:00 in Jerusalem (UTC+2 in winter).
    const SUNDAY: i64 = 1_795_298_400_000;

    #[test]
    fn a_moment_is_shown_in_its_zone() {
        let now = moment(SUNDAY + 9 * HOUR + 300_000, ZONE).unwrap();
        assert_eq!(now["date"], "2026-11-22");
        assert_eq!(now["time"], "09:05");
        assert_eq!(now["weekday"], "sun");
        // Summer time is an hour ahead: 1 July 2026, 12:00 UTC.
        assert_eq!(moment(1_782_907_200_000, ZONE).unwrap()["time"], "15:00");
        assert_eq!(date(SUNDAY, "%d.%m.%Y", ZONE).unwrap(), "22.11.2026");
    }

    #[test]
    fn opening_hours_hold_on_their_days_and_past_midnight() {
        let cases = [
            ("sun-thu 09:00-18:00", 9, true),
            ("sun-thu 09:00-18:00", 18, false),
            ("sun-thu 09:00-18:00", 24 * 5 + 10, false),
            ("sun-thu 09:00-18:00, fri 09:00-13:00", 24 * 5 + 10, true),
            ("fri-sun 20:00-02:00", 24 + 1, true),
            ("fri-sun 20:00-02:00", 24 + 2, false),
            ("sat 20:00-02:00", 1, true),
            ("sun 00:00-24:00", 23, true),
        ];
        for (hours, hour, expected) in cases {
            assert_eq!(
                open(SUNDAY + hour * HOUR, hours, ZONE),
                Ok(expected),
                "{hours} at {hour}"
            );
        }
        assert_eq!(between(SUNDAY + 9 * HOUR, "08:30", "17:00", ZONE), Ok(true));
        assert_eq!(between(SUNDAY + 17 * HOUR, "08:30", "17:00", ZONE), Ok(false));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("sunday 09:00-18:00", "`sunday` is no day"),
            ("sun 9:00-18:00", "`9:00` is no time of day"),
            ("sun 09:00-25:00", "`25:00` is no time of day"),
            ("sun 09:00-09:00", "ends when it begins"),
            ("always", "are no opening hours"),
        ];
        for (hours, expected) in cases {
            let message = open(SUNDAY, hours, ZONE).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
        assert!(
            open(SUNDAY, "sun 09:00-18:00", "Asia/Jerusalm")
                .unwrap_err()
                .contains("time zone")
        );
        assert!(date(SUNDAY, "%Q%", ZONE).is_err());
    }

    proptest! {
        #[test]
        fn nothing_written_panics(millis: i64, hours in "[a-z0-9:, -]{0,24}", format in "[%a-zA-Z]{0,6}") {
            let _ = open(millis, &hours, ZONE);
            let _ = date(millis, &format, "UTC");
        }

        #[test]
        fn the_rest_of_the_day_is_the_opposite(minute in 0i64..1440) {
            let at = SUNDAY + minute * 60_000;
            prop_assert_ne!(between(at, "08:30", "17:00", ZONE), between(at, "17:00", "08:30", ZONE));
        }
    }
}
