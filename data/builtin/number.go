package builtin

import "fmt"

var (
	kanjiDigits = []string{"", "一", "二", "三", "四", "五", "六", "七", "八", "九"}
	nativeCount = []string{"", "", "二つ", "三つ", "四つ", "五つ", "六つ", "七つ", "八つ", "九つ"}
	units       = []string{
		"", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
		"eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
		"eighteen", "nineteen",
	}
	tens = []string{
		"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
	}
	months = []string{
		"january", "february", "march", "april", "may", "june", "july", "august",
		"september", "october", "november", "december",
	}
	weekdays = [][2]string{
		{"月曜日", "monday"},
		{"火曜日", "tuesday"},
		{"水曜日", "wednesday"},
		{"木曜日", "thursday"},
		{"金曜日", "friday"},
		{"土曜日", "saturday"},
		{"日曜日", "sunday"},
	}
)

// numeral returns n in kanji and in English words, 1 <= n <= 9999.
func numeral(n int) phrase {
	var parts []phrase
	for _, power := range []struct {
		value  int
		ja, en string
	}{{1000, "千", "thousand"}, {100, "百", "hundred"}} {
		if digit := n / power.value; digit == 1 {
			parts = append(parts, derive(fmt.Sprintf("%s~a → one~a %s~a", power.ja, power.en)))
		} else if digit > 1 {
			parts = append(parts, derive(fmt.Sprintf("%s~a %s~b → %s~a %s~b",
				kanjiDigits[digit], power.ja, units[digit], power.en)))
		}
		n %= power.value
	}
	if n > 0 {
		parts = append(parts, derive(belowHundred(n)))
	}
	sum := parts[0]
	for _, part := range parts[1:] {
		sum = derive("$0 $1 → $0 $1", sum, part)
	}
	return sum
}

// belowHundred returns the rule of 0 < n < 100.
func belowHundred(n int) string {
	switch digit := n % 10; {
	case n < 10:
		return kanjiDigits[n] + "~a → " + units[n] + "~a"
	case n < 20:
		return mark(kanjiTens(n)+" "+kanjiDigits[digit], "a") + " → " + units[n] + "~a"
	case digit == 0:
		return mark(kanjiTens(n), "a") + " → " + tens[n/10] + "~a"
	default:
		return mark(kanjiTens(n), "a") + " " + kanjiDigits[digit] + "~b → " +
			tens[n/10] + "~a " + units[digit] + "~b"
	}
}

// kanjiTens returns the tens of 10 <= n < 100.
func kanjiTens(n int) string {
	if n < 20 {
		return "十"
	}
	return kanjiDigits[n/10] + " 十"
}

// kanjiMonth returns the name of a month, 1 <= month <= 12.
func kanjiMonth(month int) string {
	if month <= 10 {
		return []string{"一", "二", "三", "四", "五", "六", "七", "八", "九", "十"}[month-1] + "月"
	}
	return "十" + kanjiDigits[month-10] + "月"
}

// date returns a day of the year: 三月 十 五 日 is "march 15".
func date(month, day int) phrase {
	kanji := kanjiDigits[day%10]
	if day >= 10 {
		kanji = kanjiTens(day) + " " + kanji
	}
	return derive(fmt.Sprintf("%s~m %s 日~d → %s~m %d~d",
		kanjiMonth(month), mark(kanji, "d"), months[month-1], day))
}

// hour returns a full hour of the clock: 三 時 is "three o'clock".
func hour(h int) phrase {
	return derive("$0 時~o → $0 o'clock~o", derive(belowHundred(h)))
}
