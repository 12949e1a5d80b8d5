package mrz

import (
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/citizen"
)

// date parses YYMMDD, where fillers stand for what is not known (9303-3, 4.8).
// year tells the century of a year from the earliest day that it can be, MMDD.
func date(s string, year func(yy int, mmdd string) int) (citizen.Text, bool) {
	part := func(s string) (n int, known, ok bool) {
		if s == "<<" {
			return 0, false, true
		}
		for _, c := range []byte(s) {
			if c < '0' || c > '9' {
				return 0, false, false
			}
			n = n*10 + int(c-'0')
		}
		return n, true, true
	}
	yy, hasYear, ok1 := part(s[:2])
	mm, hasMonth, ok2 := part(s[2:4])
	dd, hasDay, ok3 := part(s[4:])
	if !ok1 || !ok2 || !ok3 || hasMonth && (mm < 1 || mm > 12) || hasDay && (dd < 1 || dd > 31) {
		return citizen.Text{}, false
	}
	words := [3]string{"XXXX", "XX", "XX"}
	if hasMonth {
		words[1] = s[2:4]
	}
	if hasDay {
		words[2] = s[4:]
	}
	if hasYear {
		y := year(yy, strings.ReplaceAll(words[1]+words[2], "XX", "01"))
		words[0] = fmt.Sprintf("%04d", y)
		if hasMonth && hasDay && time.Date(y, time.Month(mm), dd, 0, 0, 0, 0, time.UTC).Day() != dd {
			return citizen.Text{}, false // the 30th of February
		}
	}
	return citizen.NewText(strings.Join(words[:], "-")), true
}

// born is the latest century in which the day is not after now. A person of a
// hundred years or more looks a hundred years younger: the zone cannot say.
func born(now time.Time) func(yy int, mmdd string) int {
	return func(yy int, mmdd string) int {
		y := now.Year()/100*100 + yy
		if y > now.Year() || y == now.Year() && mmdd > now.Format("0102") {
			y -= 100
		}
		return y
	}
}

// expires is the year nearest to now: documents are valid for some ten years.
func expires(now time.Time) func(yy int, mmdd string) int {
	return func(yy int, _ string) int {
		y := now.Year()/100*100 + yy
		switch {
		case y > now.Year()+49:
			y -= 100
		case y < now.Year()-50:
			y += 100
		}
		return y
	}
}
