package link

import "strings"

// DeviceID is what a printer's IEEE 1284 id says. Empty where it says nothing.
type DeviceID struct {
	Maker, Model, Serial string
	Languages            []string // the command sets it understands
}

// ParseDeviceID reads the text of an IEEE 1284 id, "MFG:…;MDL:…;CMD:…;" (IEEE
// 1284-2000, 7.6). Anything is accepted: what cannot be read says nothing. Keys
// have a long and a short form; the first that is there counts.
func ParseDeviceID(s string) DeviceID {
	var id DeviceID
	set := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	for field := range strings.SplitSeq(s, ";") {
		key, value, ok := strings.Cut(field, ":")
		value = Printable(value)
		if !ok || value == "" {
			continue
		}
		switch strings.ToUpper(strings.TrimSpace(key)) {
		case "MFG", "MANUFACTURER":
			set(&id.Maker, value)
		case "MDL", "MODEL":
			set(&id.Model, value)
		case "SN", "SER", "SERN", "SERIALNUMBER", "SERIAL NUMBER":
			set(&id.Serial, value)
		case "CMD", "COMMAND SET":
			if id.Languages != nil {
				continue
			}
			for l := range strings.SplitSeq(value, ",") {
				if l = strings.TrimSpace(l); l != "" {
					id.Languages = append(id.Languages, l)
				}
			}
		}
	}
	return id
}

// Printable drops from s what is no text: a device says of itself what it likes,
// and a technician's terminal obeys escape sequences.
func Printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, s))
}
