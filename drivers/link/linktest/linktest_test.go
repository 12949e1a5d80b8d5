package linktest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// judge is a test that is watched instead of run.
type judge struct {
	testing.TB
	faults   []string
	cleanups []func()
}

func (j *judge) Errorf(f string, a ...any) { j.faults = append(j.faults, fmt.Sprintf(f, a...)) }
func (j *judge) Fatal(a ...any)            { panic(fmt.Sprint(a...)) }
func (j *judge) Cleanup(f func())          { j.cleanups = append(j.cleanups, f) }

func (j *judge) end() string {
	for _, f := range j.cleanups {
		f()
	}
	return strings.Join(j.faults, "\n")
}

// TestPlayCanFail: a player that accepts everything tests nothing.
func TestPlayCanFail(t *testing.T) {
	op := linktest.IO{Note: "initialize", W: []byte{0x1B, '@'}, R: []byte{1}}
	for name, v := range map[string]struct {
		writes []string
		want   string
	}{
		"right":       {[]string{"\x1b", "@"}, ""},
		"wrong":       {[]string{"\x1bX"}, "initialize: host wrote 1B 58, want 1B 40"},
		"one missing": {[]string{"\x1b"}, "never happened: initialize"},
		"one more":    {[]string{"\x1b@\x1b@"}, "after the last exchange"},
	} {
		j := &judge{TB: t}
		p := linktest.Play(j, op)
		for _, w := range v.writes {
			if _, err := p.Write([]byte(w)); err != nil {
				t.Fatal(err)
			}
		}
		if got := j.end(); (v.want == "") != (got == "") || !strings.Contains(got, v.want) {
			t.Errorf("%s: faults %q, want %q", name, got, v.want)
		}
	}
}

func TestPlayReads(t *testing.T) {
	p := linktest.Play(t, linktest.IO{Note: "one", W: []byte{1}, R: []byte{2, 3}})
	if err := p.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if _, err := p.Read(b); !errors.Is(err, device.ErrTimeout) {
		t.Errorf("Read before anything was asked = %v, want ErrTimeout", err)
	}
	if _, err := p.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Read(b); n != 2 || err != nil {
		t.Errorf("Read = %d, %v, want 2", n, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Read(b); !errors.Is(err, device.ErrUnplugged) {
		t.Errorf("Read when closed = %v, want ErrUnplugged", err)
	}
}

func TestRecord(t *testing.T) {
	host, dev := link.Pipe("pipe", 64)
	r := linktest.Record(host)
	for _, x := range []string{"a", "b"} {
		if _, err := r.Write([]byte(x)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dev.Write([]byte{0xFF}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	want := `linktest.IO{Note: "exchange 1", W: []byte{0x61, 0x62}, R: []byte{0xff}},` + "\n"
	if got := r.Go(); got != want {
		t.Errorf("Go = %q, want %q", got, want)
	}
}
