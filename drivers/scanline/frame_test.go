package scanline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// readings types pieces, with a pause before each, and returns what a Frame
// makes of them, until nothing comes for a minute. "" is a reading lost.
func readings(t *testing.T, f Frame, pause time.Duration, pieces ...string) (out []string) {
	t.Helper()
	host, dev := link.Pipe("pipe", 1<<16)
	l := newLine(host)
	defer func() {
		if err := l.close(); err != nil {
			t.Errorf("close = %v, want nil", err)
		}
	}()
	go func() {
		for _, p := range pieces {
			time.Sleep(pause)
			_, _ = dev.Write([]byte(p)) // the reader may have seen enough
		}
	}()
	for {
		b, err := f.Next(context.Background(), l, time.Minute)
		switch {
		case errors.Is(err, ErrLost):
			out = append(out, "")
		case errors.Is(err, device.ErrTimeout):
			return out
		case err != nil:
			t.Errorf("Next = %v, want nil", err)
			return out
		default:
			out = append(out, string(b))
		}
	}
}

func TestFrame(t *testing.T) {
	either, crlf := []string{"\r", "\n"}, []string{"\r\n"}
	long := strings.Repeat("x", 20)
	for name, v := range map[string]struct {
		ends   []string
		pause  time.Duration
		pieces []string
		want   []string
	}{
		"one":                     {either, 0, []string{"abc\r"}, []string{"abc"}},
		"two at once":             {either, 0, []string{"abc\rdef\r"}, []string{"abc", "def"}},
		"CRLF is one end":         {either, 0, []string{"abc\r\ndef\r\n"}, []string{"abc", "def"}},
		"in pieces":               {crlf, 49 * time.Millisecond, []string{"a", "bc", "\r", "\n"}, []string{"abc"}},
		"CR inside":               {crlf, 0, []string{"a\rb\r\n"}, []string{"a\rb"}},
		"empty":                   {crlf, 0, []string{"\r\n\r\nabc\r\n"}, []string{"abc"}},
		"as long as allowed":      {crlf, 0, []string{long[:10] + "\r\n"}, []string{long[:10]}},
		"too long":                {crlf, 0, []string{long + "\r\nabc\r\n"}, []string{"", "abc"}},
		"cut off, its rest later": {either, 300 * time.Millisecond, []string{"ab", "c\r", "def\r"}, []string{"", "def"}},
		"cut off for good":        {either, 1200 * time.Millisecond, []string{"ab", "def\r"}, []string{"", "def"}},
		"no end at all":           {either, 0, []string{long, long, long}, []string{""}},
	} {
		synctest.Test(t, func(t *testing.T) {
			got := readings(t, Frame{Ends: v.ends, Gap: 50 * time.Millisecond, Max: 10}, v.pause, v.pieces...)
			if !slices.Equal(got, v.want) {
				t.Errorf("%s: got %q, want %q", name, got, v.want)
			}
		})
	}
}

func TestSound(t *testing.T) {
	for s, want := range map[string]bool{
		"KH4T-9QWZ": true, "Aşgabat №7": true, "[)>\x1e06\x1d17\x1e\x04": true, "two\nlines": true,
		"": false, "\x01": false, "a\x7f": false, "\xff\xfe": false, "a\x00": false,
	} {
		if got := Sound([]byte(s)); got != want {
			t.Errorf("Sound(%q) = %v, want %v", s, got, want)
		}
	}
}

// FuzzFrame: whatever comes, readings are pieces of it, are as long as allowed,
// and a reading after a pause is found.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{"abc\r", "\r\n\r\n", "abcdefghijklmnop\rabc\r\n", "a\rb\nc", "\x00\xff"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, either bool) {
		ends := []string{"\r\n"}
		if either {
			ends = []string{"\r", "\n"}
		}
		synctest.Test(t, func(t *testing.T) {
			got := readings(t, Frame{Ends: ends, Gap: 50 * time.Millisecond, Max: 10}, 3*time.Second, string(b), "last\r\n")
			for _, r := range got {
				if len(r) > 10 || !strings.Contains(string(b)+"last", r) {
					t.Errorf("reading %q of %q", r, b)
				}
			}
			if len(got) == 0 || got[len(got)-1] != "last" {
				t.Errorf("readings of %q = %q, want last to be last", b, got)
			}
		})
	})
}
