package firmata

import (
	"reflect"
	"testing"
)

// parse feeds all of b.
func parse(p *parser, b []byte) (out []message) {
	for _, x := range b {
		if m, ok := p.feed(x); ok {
			out = append(out, m)
		}
	}
	return out
}

// TestMessages: the messages of protocol.md 2.5, whole, mixed and cut.
func TestMessages(t *testing.T) {
	digital := func(port, bits byte) message { return message{kind: cmdDigital, port: port, bits: bits} }
	for name, v := range map[string]struct {
		bytes []byte
		want  []message
	}{
		"digital message":        {[]byte{0x90, 0x04, 0x00}, []message{digital(0, 0x04)}},
		"digital, eighth pin":    {[]byte{0x91, 0x7F, 0x01}, []message{digital(1, 0xFF)}},
		"version":                {[]byte{0xF9, 2, 5}, []message{{kind: cmdVersion, data: []byte{2, 5}}}},
		"pin state":              {[]byte{0xF0, 0x6E, 13, 1, 1, 0xF7}, []message{{kind: cmdSysex, data: []byte{0x6E, 13, 1, 1}}}},
		"analog is skipped":      {[]byte{0xE0, 0x10, 0x20, 0x90, 0, 0}, []message{digital(0, 0)}},
		"cut by another":         {[]byte{0x90, 0x04, 0x90, 0x00, 0x00}, []message{digital(0, 0)}},
		"data without a command": {[]byte{1, 2, 3, 0x90, 1, 0}, []message{digital(0, 1)}},
		"level of a ninth pin":   {[]byte{0x90, 0x00, 0x02}, nil},
		"empty sysex":            {[]byte{0xF0, 0xF7}, nil},
		"end without a sysex":    {[]byte{0xF7}, nil},
		"too long a sysex":       {append(append([]byte{0xF0}, make([]byte, 1000)...), 0xF7), nil},
	} {
		if got := parse(new(parser), v.bytes); !reflect.DeepEqual(got, v.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, v.want)
		}
	}
	if pin, mode, high, ok := (message{kind: cmdSysex, data: []byte{0x6E, 13, 1, 1}}).state(); pin != 13 || mode != 1 || !high || !ok {
		t.Errorf("state = %d, %d, %v, %v, want 13, 1, true", pin, mode, high, ok)
	}
}

// FuzzMessages: whatever comes, what is kept is bounded, and a whole message that
// follows is understood.
func FuzzMessages(f *testing.F) {
	f.Add([]byte{0x90, 0x04, 0x00, 0xF9, 2, 5})
	f.Add([]byte{0xF9, 2, 5, 0xF0, 0x79, 2, 5, 'P', 0, 0xF7})
	f.Add([]byte{0xF0, 0x6E, 13, 1, 1, 0xF7, 0xF0})
	f.Add([]byte{0xFF, 0xFF, 0x90})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p parser
		for _, m := range parse(&p, b) {
			m.state()
		}
		if len(p.data) > maxSysex {
			t.Errorf("kept %d bytes, want at most %d", len(p.data), maxSysex)
		}
		if got := parse(&p, []byte{0x90, 0x04, 0x00}); len(got) != 1 || got[0].bits != 4 {
			t.Errorf("a message afterwards: got %+v, want it understood", got)
		}
	})
}
