package mrz

// span is a field's place: characters from … to-1 of a line.
type span struct{ line, from, to int }

func (s span) none() bool { return s.to == 0 }

func (s span) of(z []string) string {
	if s.none() {
		return ""
	}
	return z[s.line][s.from:s.to]
}

// layout is where a format keeps its fields.
type layout struct {
	format                             Format
	codes                              string // first letters of a document's code
	code, issuer, nationality          span
	names, sex                         span
	number, birth, expiry              span // each is followed by its check digit
	optional, optional2, optionalCheck span
	composite                          span
	covered                            []span // what the composite digit is over
	long                               bool   // a number over nine characters goes on in optional
}

// second is what the second line of all two-line formats begins with.
func second(l layout) *layout {
	l.code, l.issuer = span{0, 0, 2}, span{0, 2, 5}
	l.number, l.nationality = span{1, 0, 9}, span{1, 10, 13}
	l.birth, l.sex, l.expiry = span{1, 13, 19}, span{1, 20, 21}, span{1, 21, 27}
	if !l.composite.none() {
		l.covered = []span{{1, 0, 10}, {1, 13, 20}, {1, 21, l.composite.from}}
	}
	return &l
}

var (
	td1 = &layout{
		format: TD1, codes: "ACI", long: true,
		code: span{0, 0, 2}, issuer: span{0, 2, 5}, number: span{0, 5, 14}, optional: span{0, 15, 30},
		birth: span{1, 0, 6}, sex: span{1, 7, 8}, expiry: span{1, 8, 14}, nationality: span{1, 15, 18},
		optional2: span{1, 18, 29}, composite: span{1, 29, 30}, names: span{2, 0, 30},
		covered: []span{{0, 5, 30}, {1, 0, 7}, {1, 8, 15}, {1, 18, 29}},
	}
	td2 = second(layout{
		format: TD2, codes: "ACI", long: true,
		names: span{0, 5, 36}, optional: span{1, 28, 35}, composite: span{1, 35, 36},
	})
	td3 = second(layout{
		format: TD3, codes: "P",
		names: span{0, 5, 44}, optional: span{1, 28, 42}, optionalCheck: span{1, 42, 43}, composite: span{1, 43, 44},
	})
	mrvA = second(layout{format: MRVA, codes: "V", names: span{0, 5, 44}, optional: span{1, 28, 44}})
	mrvB = second(layout{format: MRVB, codes: "V", names: span{0, 5, 36}, optional: span{1, 28, 36}})
)

// layoutOf returns the layout for lines of that shape.
func layoutOf(z []string) *layout {
	visa := z[0][0] == 'V'
	switch {
	case len(z) == 3:
		return td1
	case len(z[0]) == 36 && visa:
		return mrvB
	case len(z[0]) == 36:
		return td2
	case visa:
		return mrvA
	}
	return td3
}

// after is the check digit that follows s.
func after(s span) span { return span{s.line, s.to, s.to + 1} }

// class is a set of characters that may stand in a field.
type class uint8

const (
	letter  class = 1
	digit   class = 2
	filler  class = 4
	anyChar       = letter | digit | filler
)

func in(c class, x byte) bool {
	switch {
	case x == '<':
		return c&filler != 0
	case x >= '0' && x <= '9':
		return c&digit != 0
	case x >= 'A' && x <= 'Z':
		return c&letter != 0
	}
	return false
}

// field is a part of the zone in which only some characters may stand.
type field struct {
	name string
	span
	class class
}

// fields are all fields of l whose characters are restricted. Number and
// optional data may hold anything.
func (l *layout) fields() []field {
	f := []field{
		{"code", l.code, letter | filler},
		{"issuer", l.issuer, letter | filler},
		{"nationality", l.nationality, letter | filler},
		{"names", l.names, letter | filler},
		{"sex", l.sex, letter | filler},
		{"birth", l.birth, digit | filler},
		{"birth", after(l.birth), digit},
		{"expiry", l.expiry, digit | filler},
		{"expiry", after(l.expiry), digit},
		{"number", after(l.number), digit},
	}
	if l.long {
		f[len(f)-1].class |= filler
	}
	if !l.optionalCheck.none() {
		f = append(f, field{"optional", l.optionalCheck, digit | filler})
	}
	if !l.composite.none() {
		f = append(f, field{"composite", l.composite, digit})
	}
	return f
}
