package mrz

import (
	"strings"

	"github.com/penjire/penjire/sync/citizen"
)

// parse takes the zone z apart.
func parse(z []string, o Opts) (*Document, error) {
	l := layoutOf(z)
	d := &Document{Format: l.format}
	if o.Repair {
		z, d.Repaired = repair(l, z)
	}
	var faults []Fault
	fault := func(field, what string) { faults = append(faults, Fault{field, what}) }
	for _, f := range l.fields() {
		for _, c := range []byte(f.of(z)) {
			if !in(f.class, c) {
				fault(f.name, "a character that cannot stand there")
				break
			}
		}
	}
	if d.Code = strings.TrimRight(l.code.of(z), "<"); d.Code == "" || !strings.Contains(l.codes, d.Code[:1]) {
		fault("code", "no document of this format has it")
	}
	d.Issuer = state("issuer", l.issuer.of(z), fault)
	d.Nationality = state("nationality", l.nationality.of(z), fault)
	switch s := l.sex.of(z); s {
	case "M", "F":
		d.Sex = citizen.NewText(s)
	case "<":
	default:
		fault("sex", "neither M nor F nor a filler")
	}
	names(d, l.names.of(z), fault)

	num, check, optional, what := number(l, z)
	switch {
	case what != "":
		fault("number", what)
	case CheckDigit(num) != check:
		fault("number", "check digit is wrong")
	case !filled(num):
		fault("number", "begins with a filler")
	}
	for _, f := range []struct {
		name string
		span
	}{{"birth", l.birth}, {"expiry", l.expiry}} {
		if CheckDigit(f.of(z)) != after(f.span).of(z)[0] {
			fault(f.name, "check digit is wrong")
		}
	}
	var ok bool
	if d.Birth, ok = date(l.birth.of(z), born(o.Now)); !ok {
		fault("birth", "no such day")
	}
	if d.Expiry, ok = date(l.expiry.of(z), expires(o.Now)); !ok {
		fault("expiry", "no such day")
	}
	if c := l.optionalCheck.of(z); c != "" {
		// Only an empty field may go without a digit (9303-4, 4.2.2.2).
		if empty := strings.Trim(optional, "<") == ""; c[0] != CheckDigit(optional) && (!empty || c != "<") {
			fault("optional", "check digit is wrong")
		}
	}
	if c := l.composite.of(z); c != "" {
		var all strings.Builder
		for _, s := range l.covered {
			all.WriteString(s.of(z))
		}
		if CheckDigit(all.String()) != c[0] {
			fault("composite", "check digit is wrong")
		}
	}
	if faults != nil {
		return nil, &InvalidError{l.format, faults}
	}
	d.Number = text(num)
	d.Optional, d.Optional2 = text(optional), text(l.optional2.of(z))
	d.zone = citizen.NewText(strings.Join(z, "\n"))
	// As printed: a number below nine characters keeps its fillers.
	birth, expiry := l.birth.of(z), l.expiry.of(z)
	d.key = citizen.NewText(num + string(check) + birth + string(CheckDigit(birth)) + expiry + string(CheckDigit(expiry)))
	return d, nil
}

// text is a field without the fillers around it; those within are spaces.
func text(s string) citizen.Text {
	return citizen.NewText(strings.ReplaceAll(strings.Trim(s, "<"), "<", " "))
}

// filled reports whether s is characters, then fillers, with at least one
// character. A filler in the middle stands for a hyphen or space that a number
// may well have (9303-3, 4.6), so only a leading one is wrong.
func filled(s string) bool { return s != "" && s[0] != '<' }

// state is a code of one to three letters, then fillers (9303-3, section 5).
func state(name, s string, fault func(field, what string)) string {
	code := strings.TrimRight(s, "<")
	if code == "" || strings.Contains(code, "<") {
		fault(name, "no code of a state")
	}
	return code
}

// names parts primary and secondary identifier (9303-3, 4.6). After the first
// double filler everything is the secondary one: some issuers part given names
// with double fillers, too.
func names(d *Document, s string, fault func(field, what string)) {
	if s[0] == '<' {
		fault("names", "no primary identifier")
		return
	}
	d.Cut = s[len(s)-1] != '<'
	primary, secondary, _ := strings.Cut(s, "<<")
	spaced := func(s string) citizen.Text {
		return citizen.NewText(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '<' }), " "))
	}
	d.Surname, d.Given = spaced(primary), spaced(secondary)
}
