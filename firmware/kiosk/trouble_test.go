package kiosk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/ui/screen"
)

// With the network cut the whole visit works and says what is true; when it is
// back the request arrives once, without a touch.
func TestNetworkCut(t *testing.T) {
	r := newRig(t)
	r.start()
	v := r.apply("citizen-1")
	if v.Done.Received {
		t.Error("the page says «received» and nobody has it")
	}
	r.printed()
	r.until("the footer to say that it is kept", func() bool { return r.view().Devices.Unsent == 1 && r.view().Devices.Net == screen.Down })
	r.leave()
	r.online(nil)
	r.stage(outbox.Registered)
	list, err := r.l.List(context.Background(), ledger.Filter{})
	if err != nil || len(list) != 1 {
		t.Errorf("requests at the portal: got %d, %v, want 1", len(list), err)
	}
	r.until("nothing to be kept", func() bool { return r.state().Queue.Unsent == 0 })
}

// A head that is too hot keeps the receipt waiting, and is said; when it has
// cooled the receipt comes by itself.
func TestPrinterHot(t *testing.T) {
	r := newRig(t)
	r.paper.SetHot(true)
	r.start()
	r.until("the start page to say so", func() bool {
		return r.k.Start(context.Background()).Devices.Printer == screen.Down && r.k.health.Holds(health.PrinterHot)
	})
	r.apply("citizen-1")
	r.until("the page to say why", func() bool {
		d := r.view().Done
		return d.Paper == screen.PaperFailed && d.PaperWhy == screen.Down
	})
	r.paper.SetHot(false)
	r.printed()
	if n := len(r.paper.Papers()); n != 1 {
		t.Errorf("papers: got %d, want 1", n)
	}
	r.until("the condition to end", func() bool { return !r.k.health.Holds(health.PrinterHot) })
}

// TestStandsSince: a paper in the output is timed from when it was first seen,
// until it is gone or nobody knows.
func TestStandsSince(t *testing.T) {
	begin := time.Now()
	var since time.Time
	for i, v := range []struct {
		exit device.Exit
		want time.Time
	}{
		{"", time.Time{}},
		{device.ExitNotPresent, time.Time{}},
		{device.ExitEntering, begin.Add(2 * time.Second)},
		{device.ExitEntering, begin.Add(2 * time.Second)},
		{device.ExitUnknown, time.Time{}},
		{device.ExitEntering, begin.Add(5 * time.Second)},
		{device.ExitRetracted, time.Time{}},
	} {
		since = standsSince(since, v.exit, begin.Add(time.Duration(i)*time.Second))
		if !since.Equal(v.want) {
			t.Errorf("standsSince, look %d with %q = %v, want %v", i, v.exit, since, v.want)
		}
	}
}

// Without paper the request is safe, the page says why no paper comes, and when
// a roll is put in the receipt comes by itself.
func TestPaperOutBefore(t *testing.T) {
	r := newRig(t)
	r.paper.SetPaper(device.PaperOut)
	r.start()
	r.until("the start page to say so", func() bool {
		s := r.k.Start(context.Background())
		return s.Devices.Printer == screen.Out && s.Start.Notice == health.PaperOut.Notice
	})
	r.apply("citizen-1")
	r.until("the page to say why", func() bool {
		d := r.view().Done
		return d.Paper == screen.PaperFailed && d.PaperWhy == screen.Out
	})
	r.paper.SetPaper(device.PaperFull)
	r.printed()
	if n := len(r.paper.Papers()); n != 1 {
		t.Errorf("papers: got %d, want 1", n)
	}
	r.leave()
}

// A printer that breaks off in the middle leaves a paper that may be out: only
// a marked copy is offered.
func TestPrinterBreaksOffWhilePrinting(t *testing.T) {
	for name, trouble := range map[string]struct {
		happen, mend func(*rig)
		why          screen.State
	}{
		"unplugged": {func(r *rig) { _ = r.cable.Unplug() }, func(r *rig) { r.must(r.cable.Replug()) }, screen.Gone},
		"cover":     {func(r *rig) { r.paper.SetCover(device.CoverOpen) }, func(r *rig) { r.paper.SetCover(device.CoverClosed) }, screen.Open},
		"paper":     {func(r *rig) { r.paper.SetPaper(device.PaperOut) }, func(r *rig) { r.paper.SetPaper(device.PaperFull) }, screen.Out},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.start()
			r.paper.SetSpeed(400)
			r.paper.After(200, func() { go trouble.happen(r) })
			r.apply("citizen-1")
			r.until("the page to say that nobody knows", func() bool {
				d := r.view().Done
				return d.Paper == screen.PaperUnknown
			})
			r.until("the page to say why", func() bool { return r.view().Done.PaperWhy == trouble.why })
			trouble.mend(r)
			r.until("the printer to be back", func() bool { return r.view().Devices.Printer == screen.Good })
			before := len(r.paper.Papers())
			r.do("reprint")
			r.printed()
			if n := len(r.paper.Papers()); n <= before {
				t.Errorf("papers: got %d, want more than %d", n, before)
			}
			req := r.only()
			if req.Copies != 2 {
				t.Errorf("papers that came out or may have: got %d, want 2", req.Copies)
			}
			r.leave()
		})
	}
}

// only returns the only request of citizen-1.
func (r *rig) only() outbox.Request {
	r.t.Helper()
	c, _ := r.w.Card("citizen-1")
	list, err := r.k.box.Mine(context.Background(), r.k.owners.of(c.Holder.ID))
	if err != nil || len(list) != 1 {
		r.t.Fatalf("requests of citizen-1: got %d, %v, want 1", len(list), err)
	}
	return list[0]
}

// A card that is pulled while it signs: nothing was handed in, the answers are
// kept, the same card goes on, another does not.
func TestCardPulledWhileSigning(t *testing.T) {
	r := newRig(t)
	r.start()
	r.toPIN("citizen-1")
	r.chip.Inject(pn532emu.PullBefore)
	r.do("pin", "pin", r.pin("citizen-1"))
	if p := r.on(screen.Problem).Problem; p.Key != "card-gone" || !p.Retry {
		t.Fatalf("problem: got %+v, want card-gone, to be tried again", p)
	}
	if n := r.state().Queue.ByState["accepted"]; n != 0 {
		t.Fatalf("requests accepted: got %d, want 0", n)
	}
	r.insert("citizen-2")
	r.until("another card to be refused", func() bool {
		v := r.view()
		return v.Screen == screen.Card && v.Card.State == "other"
	})
	r.chip.Remove()
	r.until("the same card to be asked back", func() bool { return r.view().Card.State == "removed" })
	r.insert("citizen-1")
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-1"))
	r.on(screen.Done)
	r.leave()
	if got := r.cards["citizen-2"].TriesLeft(); got != 3 {
		t.Errorf("tries left on the other card: got %d, want 3", got)
	}
}

func TestWrongPINThreeTimes(t *testing.T) {
	r := newRig(t)
	r.start()
	r.toPIN("citizen-1")
	for _, left := range []int{2, 1} {
		r.do("pin", "pin", "000000")
		r.until("the tries that are left", func() bool {
			v := r.view()
			return v.Screen == screen.PIN && v.PIN.Wrong && v.PIN.Left == left
		})
	}
	r.do("pin", "pin", "12") // no card could take it: no try is lost
	r.until("the page to come back", func() bool { return r.page() == screen.PIN })
	if got := r.cards["citizen-1"].TriesLeft(); got != 1 {
		t.Errorf("tries left after a PIN that is too short: got %d, want 1", got)
	}
	r.do("pin", "pin", "000000")
	if p := r.on(screen.Problem).Problem; p.Key != "pin-blocked" || p.Retry {
		t.Errorf("problem: got %+v, want pin-blocked, not to be tried again", p)
	}
	r.leave()
	r.apply("citizen-2") // the next citizen can work
	r.leave()
	// The blocked card says so before anything is asked.
	r.begin("tk")
	r.do("apply")
	r.do("choose", "service", "residence-certificate")
	r.do("begin")
	r.rules()
	r.insert("citizen-1")
	r.until("the card to be found blocked", func() bool {
		v := r.view()
		return v.Screen == screen.Card && v.Card.State == "blocked"
	})
}

func TestCardsThatAreRefused(t *testing.T) {
	r := newRig(t)
	r.start()
	for card, state := range map[string]string{"foreign": "foreign", "expired": "expired", "suspended": "suspended"} {
		r.begin("ru")
		r.do("requests")
		r.on(screen.Card)
		r.insert(card)
		r.until("the page to say "+state, func() bool { return r.view().Card.State == state })
		r.leave()
	}
	r.apply("citizen-1")
	r.leave()
}

// A portal that shows another's certificate gets nothing: it is said in the
// footer, on the start page and in the state, and requests are kept.
func TestPortalCertificateWrong(t *testing.T) {
	r := newRig(t)
	wrong := r.w.PortalReceipt.TLS() // the portal's, but not for TLS under its name
	r.online(&wrong)
	r.start()
	r.until("the certificate to be found wrong", func() bool {
		return r.state().Devices.Portal == uplink.CodePortalCertificate
	})
	r.until("the start page to say so", func() bool {
		return r.k.Start(context.Background()).Start.Notice == health.PortalCert.Notice
	})
	if v := r.apply("citizen-1"); v.Done.Received {
		t.Error("the page says «received»")
	}
	r.leave()
	if st := r.state(); st.Queue.Unsent != 1 {
		t.Errorf("requests kept: got %d, want 1", st.Queue.Unsent)
	}
	r.cut()
	r.online(nil)
	r.stage(outbox.Registered)
}

// A clock in 1970 and no signed time: binding requests are refused in words,
// reading one's requests is not; with the portal's time all is well.
func TestClockIn1970(t *testing.T) {
	r := newRig(t)
	off := time.Until(time.Unix(0, 0)).Truncate(time.Second)
	r.must(os.WriteFile(filepath.Join(r.dir, "ports", "clock-offset"), []byte(off.String()), 0o600))
	r.start()
	r.until("the start page to say so", func() bool {
		return r.k.Start(context.Background()).Start.Notice == health.ClockLost.Notice
	})
	for range 2 { // the next citizen, too
		r.begin("tk")
		r.do("apply")
		r.do("choose", "service", "residence-certificate")
		if got := r.on(screen.Service).Service.Blocked; got != "blocked.clock" {
			t.Fatalf("Blocked: got %q, want blocked.clock", got)
		}
		r.do("begin")
		r.on(screen.Service)
		r.leave()
	}
	r.begin("tk")
	r.do("requests")
	r.insert("citizen-1")
	r.on(screen.IsThisYou)
	r.leave()
	r.online(nil)
	r.until("the clock to be right", func() bool { return r.k.Start(context.Background()).Devices.Clock == screen.Good })
	r.apply("citizen-1")
	r.stage(outbox.Registered)
	if d := time.Since(r.only().Claimed); d > time.Minute || d < -time.Minute {
		t.Errorf("claimed time: %v from now, want now", d)
	}
	r.leave()
}

// A full disk: nothing is accepted that is not kept, and what is kept goes on.
func TestOutboxFull(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	s.OutboxMax = 2 << 20
	r.startWith(s)
	n := 0
	for _, size := range []int{16 << 10, 1 << 10} {
		for full := false; !full; n++ {
			_, err := r.k.box.Accept(context.Background(), outbox.Draft{
				Doc: outbox.Doc{1, byte(n), byte(n >> 8)}, Service: "complaint", ServiceVersion: 1, Lang: "tk",
				Sealed: make([]byte, size), Claimed: time.Now(),
			})
			if full = errors.Is(err, outbox.ErrFull); full {
				n--
			} else {
				r.must(err)
			}
		}
	}
	r.toPIN("citizen-1")
	r.do("pin", "pin", r.pin("citizen-1"))
	v := r.on(screen.Problem)
	if v.Problem.Key != "full" {
		t.Fatalf("problem: got %+v, want full", v.Problem)
	}
	if got := r.state().Queue.ByState["accepted"]; got != n {
		t.Errorf("requests kept: got %d, want %d", got, n)
	}
	r.leave()
	r.begin("tk")
	r.do("apply")
	r.do("choose", "service", "complaint")
	if got := r.on(screen.Service).Service.Blocked; got != "blocked.full" {
		t.Errorf("Blocked: got %q, want blocked.full", got)
	}
}

// The reader is unplugged and comes back: the visit waits for it.
func TestReaderUnplugged(t *testing.T) {
	r := newRig(t)
	r.start()
	r.toPIN("citizen-1")
	r.must(r.reader.Unplug())
	r.until("the card to be gone", func() bool { return r.page() == screen.Card })
	r.until("the footer to say so", func() bool { return r.view().Devices.Reader == screen.Gone })
	r.must(r.reader.Replug())
	r.on(screen.PIN)
	r.do("pin", "pin", r.pin("citizen-1"))
	r.on(screen.Done)
	r.leave()
}

// A second medium that is not there stops nobody and is said; one that is gets
// everything.
func TestMirror(t *testing.T) {
	r := newRig(t)
	s := r.settings()
	s.Mirror = filepath.Join(t.TempDir(), "stick")
	r.startWith(s)
	r.apply("citizen-1")
	r.leave()
	if m := r.k.box.Mirror(); m.State != outbox.MirrorGone {
		t.Errorf("Mirror = %+v", m)
	}
	r.must(os.Mkdir(s.Mirror, 0o700))
	r.must(r.k.box.Mirrored(context.Background()))
	r.until("the copy on the same medium to be said", func() bool { return r.k.health.Holds(health.MirrorSame) })
	dir := t.TempDir()
	res, err := outbox.Restore(t.Context(), dir, outbox.Options{Kiosk: s.Kiosk}, s.Mirror)
	if err != nil || res.Requests != 1 || res.Lost != 0 {
		t.Errorf("Restore = %+v, %v", res, err)
	}
}
