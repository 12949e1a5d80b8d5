package firmata

// Commands and pin modes (protocol.md, "Message Types"; pin modes of "Capability
// Query").
const (
	cmdDigital  = 0x90 // | port: two bytes, seven levels and one
	cmdReport   = 0xD0 // | port: 1 reports its inputs from now on, and now
	cmdSysex    = 0xF0
	cmdPinMode  = 0xF4
	cmdPinValue = 0xF5
	cmdSysexEnd = 0xF7
	cmdVersion  = 0xF9

	sysexStateQuery = 0x6D
	sysexState      = 0x6E
	sysexFirmware   = 0x79

	modeInput  byte = 0x00
	modeOutput byte = 0x01
	modePullUp byte = 0x0B
)

// message is what the board said; its kind is one of the commands above.
type message struct {
	kind byte
	port byte   // of cmdDigital
	bits byte   // of cmdDigital: the levels of the port's eight pins
	data []byte // of cmdSysex, without its ends; of cmdVersion: major, minor
}

// maxSysex bounds what is collected of one sysex message; the longest that is
// listened to has a few bytes, and others are skipped.
const maxSysex = 256

// parser cuts messages out of a stream of bytes. What makes no sense is skipped up
// to the next byte that begins a message.
type parser struct {
	cmd  byte // under way; 0: none
	data []byte
}

// feed takes one byte, and returns the message that it ends, if any.
func (p *parser) feed(b byte) (message, bool) {
	if b >= 0x80 {
		cmd, data := p.cmd, p.data
		p.cmd, p.data = b, nil
		if b != cmdSysexEnd {
			return message{}, false
		}
		p.cmd = 0
		if cmd != cmdSysex || len(data) == 0 {
			return message{}, false
		}
		return message{kind: cmdSysex, data: data}, true
	}
	switch {
	case p.cmd == 0:
		return message{}, false
	case len(p.data) == maxSysex:
		p.cmd, p.data = 0, nil
		return message{}, false
	}
	p.data = append(p.data, b)
	if p.cmd == cmdSysex || len(p.data) < 2 {
		return message{}, false
	}
	cmd, data := p.cmd, p.data
	p.cmd, p.data = 0, nil
	switch {
	case cmd&0xF0 == cmdDigital && data[1] < 2:
		return message{kind: cmdDigital, port: cmd & 0x0F, bits: data[0] | data[1]<<7}, true
	case cmd == cmdVersion:
		return message{kind: cmdVersion, data: data}, true
	}
	return message{}, false
}

// state returns which pin a sysex message gives the state of, its mode and its
// value.
func (m message) state() (pin, mode byte, high, ok bool) {
	if m.kind != cmdSysex || len(m.data) < 4 || m.data[0] != sysexState {
		return 0, 0, false, false
	}
	for _, b := range m.data[3:] {
		high = high || b != 0
	}
	return m.data[1], m.data[2], high, true
}
