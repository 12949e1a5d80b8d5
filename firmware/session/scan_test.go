package session

import (
	"testing"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/ui/screen"
)

func paper(kind string) Scanned {
	return Scanned{Seal: &Seal{Kind: kind, Verdict: "yes", Service: "certificate", Issuer: "office", Facts: []screen.CheckLine{{Name: "address"}}}}
}

// A scanned receipt fills the code in; its owner sends it off.
func TestScannedReceipt(t *testing.T) {
	f := facts()
	f.Scanner = true
	read := Scanned{Code: citizen.NewText("K7M4P·29QDX")}
	s, out := play(t, Begin("tk", 0), f, act("track"), read)
	v := s.View(f, Idle{}).Track
	if len(out) != 0 || v == nil || v.Code != "K7M4P·29QDX" || !v.Read || !v.Scanner || v.Fault != "" {
		t.Errorf("Track after a scan = %+v with %d effects, want the code and nothing done", v, len(out))
	}
	s, out = play(t, s, f, say("track", "K7M4P·29QDX"))
	if len(out) != 1 || s.Track.Read {
		t.Errorf("«find» gives %d effects, Read %v, want one and not read", len(out), s.Track.Read)
	}
	s, _ = play(t, s, f, Scanned{})
	if s.Track.Fault != "" {
		t.Error("a scan is taken while the code is being looked up")
	}
}

// A scan that is neither keeps what was typed, and says so; the page is another
// one for the browser, which otherwise keeps what stands in its field.
func TestScannedNonsense(t *testing.T) {
	f := facts()
	s, _ := play(t, Begin("tk", 0), f, act("track"))
	key := screen.PageKey(s.View(f, Idle{}))
	s, _ = play(t, s, f, Act{Name: "size", Arg: "1", Text: citizen.NewText("K7M")}, Scanned{})
	if s.Track.Code.Reveal() != "K7M" || s.Track.Fault != "track.fault.scan" || s.Page != screen.Track {
		t.Errorf("Track = %q, %q, want what was typed and track.fault.scan", s.Track.Code.Reveal(), s.Track.Fault)
	}
	if again := screen.PageKey(s.View(f, Idle{})); again == key {
		t.Errorf("PageKey = %q as before the scan, want another", again)
	}
}

// A scanned seal has a page of its own, from which one goes back to the code.
func TestScannedSeal(t *testing.T) {
	f := facts()
	s, _ := play(t, Begin("ru", 0), f, act("track"), paper("copy"))
	v := s.View(f, Idle{}).Seal
	if s.Page != screen.Seal || v == nil || v.Service.RU != "Certificate" || v.Issuer.RU != "Office" || len(v.Facts) != 1 {
		t.Fatalf("page = %s, %+v, want the seal of the office", s.Page, v)
	}
	if r, _ := play(t, s, f, paper("receipt")); r.Seal.Kind != "receipt" || r.View(f, Idle{}).Seal.Issuer.RU != "office" {
		t.Errorf("another paper on the page = %+v, want its seal", r.Seal)
	}
	if b, _ := play(t, s, f, act("back")); b.Page != screen.Track || b.Seal != nil {
		t.Errorf("back leads to %s with %v, want the code's page without the seal", b.Page, b.Seal)
	}
	if e, _ := play(t, s, f, act("finish")); !e.Ended() || e.Seal != nil {
		t.Errorf("finish leads to %s with %v, want the end", e.Page, e.Seal)
	}
}

// The scanner is on only while a page shows that wants what it reads; what it
// reads then and comes later changes nothing.
func TestScansOnlyThere(t *testing.T) {
	f := facts()
	home := Begin("tk", 0)
	track, _ := play(t, home, f, act("track"))
	help, _ := play(t, track, f, act("help"))
	away, _ := play(t, track, f, IdleWarn{})
	over, _ := play(t, track, f, act("end"))
	for name, v := range map[string]struct {
		s    State
		want bool
	}{"home": {home, false}, "track": {track, true}, "help": {help, false}, "away": {away, false}, "over": {over, false}} {
		if got := v.s.Scans(); got != v.want {
			t.Errorf("%s: Scans = %v, want %v", name, got, v.want)
		}
		if n, _ := play(t, v.s, f, paper("copy")); !v.want && (n.Seal != nil || n.Shown() != v.s.Shown()) {
			t.Errorf("%s: a late scan leads to %s", name, n.Shown())
		}
	}
}
