package serialline

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the vectors again")

const vectorsDir = "../spec/vectors/serialline"

// cases are the vectors. A good one is what marshal gives for the packet; a bad
// one is what it says it is.
func cases() map[string]struct {
	spec, comment string
	good          bool
	line          []byte
} {
	type c = struct {
		spec, comment string
		good          bool
		line          []byte
	}
	data := packet{flags: flagData | flagOver, stream: 0x01020304, seq: 7, ack: 3, got: 0b101, payload: []byte("a\x00b")}
	spoiled := func(p packet) []byte { return p.marshal() }
	raw := func(b ...byte) []byte { return append(append([]byte{0}, b...), 0) }
	flip := func(b []byte, i int) []byte { b = bytes.Clone(b); b[i] ^= 1; return b }
	full := data
	full.payload = bytes.Repeat([]byte{0xa5}, maxPayload)
	zeros := data
	zeros.payload = make([]byte, maxPayload)
	long := data
	long.payload = bytes.Repeat([]byte{0xa5}, maxPayload+1)
	old := bytes.Clone(mustUnstuff(data.marshal()))
	old[0] = old[0]&0x3f | 2<<6
	return map[string]c{
		"data":         {"WIRE-LIN-2", "three bytes of a stream, number 7, and the turn", true, data.marshal()},
		"full":         {"WIRE-LIN-1", "the longest payload", true, full.marshal()},
		"zeros":        {"WIRE-LIN-1", "a payload of zeros only", true, zeros.marshal()},
		"open":         {"WIRE-LIN-8", "the first packet of a stream", true, packet{flags: flagOpen | flagData | flagOver, stream: 1, payload: []byte{22}}.marshal()},
		"answer":       {"WIRE-LIN-5", "the portal has everything before 65535 and the two after it", true, packet{flags: flagDown, stream: 1, ack: 65535, got: 3}.marshal()},
		"question":     {"WIRE-LIN-7", "is the other end there?", true, packet{flags: flagOver, stream: 1, seq: 9}.marshal()},
		"end":          {"WIRE-LIN-4", "nothing comes after number 9", true, packet{flags: flagData | flagEnd | flagOver, stream: 1, seq: 9}.marshal()},
		"reset":        {"WIRE-LIN-8", "the portal knows no such stream", true, packet{flags: flagReset | flagDown, stream: 1}.marshal()},
		"bit":          {"WIRE-LIN-2", "one bit of the payload is another", false, flip(data.marshal(), 14)},
		"bit-head":     {"WIRE-LIN-2", "one bit of the head is another", false, flip(data.marshal(), 6)},
		"short":        {"WIRE-LIN-1", "shorter than a head and a checksum", false, raw(stuff(nil, []byte{0x41, 1, 2, 3})...)},
		"long":         {"WIRE-LIN-1", "a payload of 161 bytes", false, long.marshal()},
		"cobs":         {"WIRE-LIN-1", "a count that leads past the end", false, raw(9, 1, 2)},
		"version":      {"WIRE-LIN-2", "the version is 2", false, raw(stuff(nil, sum(old))...)},
		"stream-zero":  {"WIRE-LIN-3", "stream 0", false, spoiled(packet{flags: flagOver})},
		"no-number":    {"WIRE-LIN-3", "a payload without a number", false, spoiled(packet{stream: 1, payload: []byte{1}})},
		"no-payload":   {"WIRE-LIN-3", "a number without payload or end", false, spoiled(packet{flags: flagData, stream: 1})},
		"end-alone":    {"WIRE-LIN-3", "an end without a number", false, spoiled(packet{flags: flagEnd, stream: 1})},
		"reset-data":   {"WIRE-LIN-3", "a reset with a payload", false, spoiled(packet{flags: flagReset | flagData, stream: 1, payload: []byte{1}})},
		"open-down":    {"WIRE-LIN-3", "a stream that the portal opens", false, spoiled(packet{flags: flagOpen | flagDown | flagOver, stream: 1})},
		"noise":        {"WIRE-LIN-1", "noise", false, []byte{0xff, 0x13, 0x80, 0x41}},
		"noise-packet": {"WIRE-LIN-1", "noise, an end in its middle, and then a packet", true, append([]byte{0xff, 0x13, 0, 0x80}, data.marshal()...)},
	}
}

func mustUnstuff(line []byte) []byte {
	b, ok := unstuff(line[1 : len(line)-1])
	if !ok {
		panic("marshal gives no COBS")
	}
	return b
}

// sum gives a packet its checksum anew.
func sum(b []byte) []byte {
	p := packet{flags: flags(b[0] & 0x3f), stream: 1, payload: b[headLen : len(b)-crcLen]}
	c := mustUnstuff(p.marshal())
	copy(c, b[:headLen])
	return crc(c[:len(c)-crcLen])
}

// TestMakeVectors writes the vectors when told to.
func TestMakeVectors(t *testing.T) {
	if !*update {
		t.Skip("without -update")
	}
	if err := os.MkdirAll(vectorsDir, 0o755); err != nil { //nolint:gosec // for everybody to read
		t.Fatal(err)
	}
	for name, c := range cases() {
		expect := "damaged"
		if c.good {
			expect = "ok"
		}
		body := fmt.Sprintf("expect: %s\nspec: %s\ncomment: %s\n\n%s\n", expect, c.spec, c.comment, hex.EncodeToString(c.line))
		if err := os.WriteFile(filepath.Join(vectorsDir, name+".vector"), []byte(body), 0o644); err != nil { //nolint:gosec // as above
			t.Fatal(err)
		}
	}
}

// TestVectors: what comes over a line holds one packet that counts, or none.
func TestVectors(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(vectorsDir, "*.vector"))
	if err != nil || len(names) != len(cases()) {
		t.Fatalf("%d vectors, %v, want %d", len(names), err, len(cases()))
	}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(b), "\n\n")
		line, err := hex.DecodeString(strings.TrimSpace(body))
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if strings.HasPrefix(head, "expect: ok\n") {
			want = 1
		}
		var sc scanner
		var got []packet
		sc.scan(line, func(p packet) { got = append(got, p) })
		if len(got) != want {
			t.Errorf("%s: %d packets, want %d", filepath.Base(n), len(got), want)
		}
		c := cases()[strings.TrimSuffix(filepath.Base(n), ".vector")]
		if !bytes.Equal(line, c.line) {
			t.Errorf("%s: is not what is written today", filepath.Base(n))
		}
		for _, p := range got {
			if !bytes.HasSuffix(line, p.marshal()) {
				t.Errorf("%s: parse then marshal: %x", filepath.Base(n), p.marshal())
			}
		}
	}
}

// FuzzScan: whatever comes, no packet is made of it that would not be sent so, and
// a packet after it is found.
func FuzzScan(f *testing.F) {
	for _, c := range cases() {
		f.Add(c.line)
	}
	p := packet{flags: flagData, stream: 9, payload: []byte("x")}
	f.Fuzz(func(t *testing.T, b []byte) {
		var sc scanner
		sc.scan(b, func(p packet) {
			again, err := parsePacket(bytes.Trim(p.marshal(), "\x00"))
			if err != nil || again.stream != p.stream || !bytes.Equal(again.payload, p.payload) {
				t.Errorf("%+v is read as %+v, %v", p, again, err)
			}
		})
		found := 0
		sc.scan(p.marshal(), func(q packet) {
			if q.stream == 9 {
				found++
			}
		})
		if found != 1 {
			t.Errorf("the packet after it was found %d times", found)
		}
		if _, err := parsePacket(b); err != nil && !errors.Is(err, errPacket) {
			t.Errorf("parsePacket = %v, want errPacket", err)
		}
	})
}

// FuzzTake: packets of any content, in any order, break no stream that lives and
// take no memory.
func FuzzTake(f *testing.F) {
	f.Add([]byte{0x0b, 0, 0, 0, 0, 3, 0x02, 1, 0, 5, 0xff, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		l := &line{portal: true, opened: make(chan *stream, 1), kick: make(chan struct{}, 1), done: make(chan struct{}), c: Config{}.WithDefaults()}
		for len(b) >= 6 {
			p := packet{flags: flags(b[0]) & known &^ flagDown, stream: uint32(b[1]%3) + 1, seq: uint16(b[2]), ack: uint16(b[3]), got: uint16(b[4]) << 4}
			n := min(int(b[5])%32, len(b)-6)
			if p.flags&flagData != 0 {
				p.payload = b[6 : 6+n]
			}
			b = b[6+n:]
			l.take(p)
			if s := l.s; s != nil {
				s.out = append(s.out, "answer"...)
				if len(s.early) > window || len(s.flying) > window {
					t.Fatalf("%d early, %d on their way", len(s.early), len(s.flying))
				}
			}
			for _, out := range l.burst() {
				if len(out) > maxCoded+2 {
					t.Fatalf("a packet of %d bytes", len(out))
				}
			}
		}
	})
}
