package mrz

import "bytes"

// maxRead bounds what is looked at: a reader gives one document at a time.
const maxRead = 4 << 10

// find returns every run of lines in read that has the shape of a zone.
func find(read []byte) [][]string {
	if len(read) > maxRead {
		read = read[:maxRead]
	}
	var lines []string
	for _, l := range bytes.FieldsFunc(read, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		lines = append(lines, unfold(string(bytes.ReplaceAll(l, []byte(" "), nil)))...)
	}
	var zones [][]string
	for i := 0; i < len(lines); {
		n := run(lines[i:])
		if n == 0 {
			i++
			continue
		}
		zones = append(zones, lines[i:i+n])
		i += n
	}
	return zones
}

// unfold parts lines that came without ends between them. One that holds
// anything but the zone's characters is noise.
func unfold(l string) []string {
	for _, c := range []byte(l) {
		if !in(anyChar, c) {
			return nil
		}
	}
	for _, f := range shapes {
		if len(l) != f.lines*f.width {
			continue
		}
		var out []string
		for len(l) > 0 {
			out, l = append(out, l[:f.width]), l[f.width:]
		}
		return out
	}
	return []string{l}
}

// shapes are the three that zones have. Their total lengths differ.
var shapes = []struct{ lines, width int }{{3, 30}, {2, 36}, {2, 44}}

// run returns how many lines at the start of l make a zone, or 0.
func run(l []string) int {
	for _, s := range shapes {
		n := 0
		for n < len(l) && n < s.lines && len(l[n]) == s.width {
			n++
		}
		if n == s.lines {
			return n
		}
	}
	return 0
}
