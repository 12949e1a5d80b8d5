package uplink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
)

var tmt = time.FixedZone("TMT", 5*60*60)

func TestWindows(t *testing.T) {
	at := func(s string) time.Time {
		d, err := time.ParseInLocation("2006-01-02 15:04", s, tmt)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	s := Schedule{Zone: tmt, Windows: []Window{
		{From: 8 * time.Hour, To: 9 * time.Hour},
		{From: 8*time.Hour + 30*time.Minute, To: 10 * time.Hour, Days: []time.Weekday{time.Sunday}},
		{From: 23 * time.Hour, To: time.Hour, Days: []time.Weekday{time.Saturday}},
	}}
	for in, want := range map[string]struct {
		open  bool
		until string
	}{ // 2026-11-22 is a Sunday
		"2026-11-22 07:59": {false, "2026-11-22 08:00"},
		"2026-11-22 08:00": {true, "2026-11-22 09:00"},
		"2026-11-22 08:30": {true, "2026-11-22 10:00"},
		"2026-11-22 10:00": {false, "2026-11-23 08:00"},
		"2026-11-22 00:59": {true, "2026-11-22 01:00"}, // since Saturday
		"2026-11-23 00:30": {false, "2026-11-23 08:00"},
		"2026-11-28 23:00": {true, "2026-11-29 01:00"},
	} {
		if until, open := s.open(at(in).UTC()); open != want.open || !until.Equal(at(want.until)) {
			t.Errorf("at %s: open %v until %s, want %v until %s", in, open, until, want.open, want.until)
		}
	}
	if _, open := (Schedule{}).open(at("2026-11-22 03:00")); !open {
		t.Error("no windows: closed, want always open")
	}
}

func TestBudget(t *testing.T) {
	s := Schedule{Zone: tmt, BytesPerDay: 1000, File: filepath.Join(t.TempDir(), "spent")}
	b, err := openBudget(s)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 22, 10, 0, 0, 0, tmt)
	b.spend(100, day)
	if n, fresh, limited := b.room(day); n != 650 || !fresh || !limited {
		t.Errorf("room = %d, %v, %v, want 650, fresh", n, fresh, limited)
	}
	b.spend(700, day)
	if err := b.keep(true); err != nil {
		t.Fatal(err)
	}
	if b, err = openBudget(s); err != nil { // after a restart
		t.Fatal(err)
	}
	b.spend(500, day)
	if until, spent := b.spent(day); !spent || !until.Equal(time.Date(2026, 11, 23, 0, 0, 0, 0, tmt)) {
		t.Errorf("spent = %v until %s, want until midnight there", spent, until)
	}
	if _, spent := b.spent(day.AddDate(0, 0, -3)); !spent {
		t.Error("a clock that goes back gives bytes")
	}
	if n, _, _ := b.room(day.AddDate(0, 0, 1)); n != 550 { // 200 were overdrawn
		t.Errorf("room on the next day = %d, want 550", n)
	}
	if err := os.WriteFile(s.File, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openBudget(s); err != nil {
		t.Errorf("a damaged file stops the uplink: %v", err)
	}
}

// TestOnlyInWindows: over three days no attempt is made outside the windows, and the
// status says when the next one is.
func TestOnlyInWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := specimen.New(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c := config(t, w, outboxtest.Open(t))
		c.Schedule = Schedule{Windows: []Window{{From: 8 * time.Hour, To: 9 * time.Hour}}}
		n := 0
		c.URL, c.TLS = "", nil
		c.Connect = func(context.Context) (wire.Carrier, error) {
			if n++; time.Now().UTC().Hour() != 8 {
				t.Errorf("an attempt at %s", time.Now().UTC())
			}
			return nil, errors.New("nobody answers")
		}
		u, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 72*time.Hour)
		defer cancel()
		time.AfterFunc(12*time.Hour, func() { // the bubble begins at midnight
			if s := u.Status(); s.Waits != WaitsWindow || s.Until.UTC().Hour() != 8 || s.Until.UTC().Day() != 2 {
				t.Errorf("at noon: %s until %s, want the window of the next day", s.Waits, s.Until)
			}
		})
		if err := u.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if n < 200 {
			t.Errorf("%d attempts in three windows, want some 240 each", n)
		}
	})
}
