package mrz

import "strings"

// CheckDigit returns the check digit of s as a character (Doc 9303-3, 4.9):
// weights 7, 3, 1; a letter counts 10 and up, a filler 0. Characters that
// cannot stand in a zone count 0, too.
func CheckDigit(s string) byte {
	sum := 0
	for i, c := range []byte(s) {
		v := 0
		switch {
		case c >= '0' && c <= '9':
			v = int(c - '0')
		case c >= 'A' && c <= 'Z':
			v = int(c-'A') + 10
		}
		sum += v * [3]int{7, 3, 1}[i%3]
	}
	return byte('0' + sum%10)
}

// confused pairs what OCR takes for each other: a letter and a digit.
var confused = map[byte]byte{
	'O': '0', 'I': '1', 'Z': '2', 'S': '5', 'B': '8',
	'0': 'O', '1': 'I', '2': 'Z', '5': 'S', '8': 'B',
}

// repair replaces characters that cannot stand where they were read by the one
// they are confused with, if that one can. It returns the fields it touched.
func repair(l *layout, z []string) ([]string, []string) {
	lines := make([][]byte, len(z))
	for i, s := range z {
		lines[i] = []byte(s)
	}
	var touched []string
	for _, f := range l.fields() {
		hit := false
		for i := f.from; i < f.to; i++ {
			c := lines[f.line][i]
			if other, ok := confused[c]; ok && !in(f.class, c) && in(f.class, other) {
				lines[f.line][i] = other
				hit = true
			}
		}
		if hit && (len(touched) == 0 || touched[len(touched)-1] != f.name) {
			touched = append(touched, f.name)
		}
	}
	out := make([]string, len(z))
	for i, b := range lines {
		out[i] = string(b)
	}
	return out, touched
}

// number returns the document's number with its check digit, and what is left of
// the optional data. A number over nine characters has a filler for its check
// digit, and its rest and digit stand at the start of the optional data
// (Doc 9303-5, 4.2.2.1 note j; 9303-6 likewise).
func number(l *layout, z []string) (num string, check byte, optional string, what string) {
	num, optional = l.number.of(z), l.optional.of(z)
	check = after(l.number).of(z)[0]
	if check != '<' {
		return num, check, optional, ""
	}
	rest, left, _ := strings.Cut(optional, "<")
	switch {
	case !l.long:
		return num, check, optional, "check digit is missing"
	case strings.HasSuffix(num, "<") || len(rest) < 2:
		return num, check, optional, "check digit is missing and the number does not go on in the optional data"
	}
	return num + rest[:len(rest)-1], rest[len(rest)-1], left, ""
}
