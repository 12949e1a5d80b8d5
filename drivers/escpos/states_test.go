package escpos_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link/linktest"
)

var presenters = []string{"custom-vkp80", "custom-kpm180", "nippon-np-3511"}

// in runs f in faked time with a printer of each of these models.
func in(t *testing.T, names []string, f func(t *testing.T, d *escpos.Dev, p *printer.Printer)) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := modelOf(t, name, 200)
				d := driveAs(t, linktest.Plug(t, "printer", p), name)
				devicetest.Online(t, d)
				f(t, d, p)
			})
		})
	}
}

func mustPrint(t *testing.T, d *escpos.Dev, seed uint32) {
	t.Helper()
	if out, err := d.Print(t.Context(), devicetest.Ticket(d.Width(), 100, seed)); out != device.Printed || err != nil {
		t.Fatalf("Print = %v, %v, want Printed", out, err)
	}
}

// wantExit waits for what stands in the output to be as wanted, within two
// seconds.
func wantExit(t *testing.T, d *escpos.Dev, want device.Exit) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) { // faked
		m, err := d.Media(t.Context())
		if err == nil && m.Exit == want {
			return
		}
		if time.Since(begin) > 2*time.Second {
			t.Fatalf("Media = %+v, %v for two seconds, want exit %q", m, err, want)
		}
	}
}

// TestTaken: a paper stands in the output until it is taken, and the next one
// waits for that.
func TestTaken(t *testing.T) {
	in(t, presenters, func(t *testing.T, d *escpos.Dev, p *printer.Printer) {
		wantExit(t, d, device.ExitNotPresent)
		mustPrint(t, d, 1)
		wantExit(t, d, device.ExitEntering)
		time.AfterFunc(5*time.Second, func() { p.Take() })
		begin := time.Now()
		mustPrint(t, d, 2)
		if took := time.Since(begin); took < 5*time.Second || took > 8*time.Second {
			t.Errorf("the second paper took %v, want to wait 5 s for the first to be taken", took)
		}
		wantExit(t, d, device.ExitEntering)
		if !p.Take() || p.State().Bin != 0 {
			t.Errorf("State = %+v, want the second paper to be there, and none pulled back", p.State())
		}
		wantExit(t, d, device.ExitNotPresent)
	})
}

// TestUntaken: a paper that nobody takes is pulled back after Take, so that no
// stranger gets it; also when it is asked for, and when the next job comes.
func TestUntaken(t *testing.T) {
	in(t, presenters, func(t *testing.T, d *escpos.Dev, p *printer.Printer) {
		mustPrint(t, d, 1)
		time.Sleep(28 * time.Second) // of 30
		wantExit(t, d, device.ExitEntering)
		time.Sleep(3 * time.Second)
		wantExit(t, d, device.ExitRetracted)
		if n := p.State().Bin; n != 1 || p.Take() {
			t.Errorf("papers in the bin: got %d, want 1", n)
		}
		mustPrint(t, d, 2)
		wantExit(t, d, device.ExitEntering)
		if err := d.Retract(t.Context()); err != nil {
			t.Errorf("Retract = %v, want nil", err)
		}
		wantExit(t, d, device.ExitRetracted)
		if err := d.Retract(t.Context()); err != nil || p.State().Bin != 2 {
			t.Errorf("Retract of nothing = %v with %d papers in the bin, want nil and 2", err, p.State().Bin)
		}
		mustPrint(t, d, 3)
		mustPrint(t, d, 4)
		if n := p.State().Bin; n != 3 {
			t.Errorf("papers in the bin: got %d, want 3: the one that the last job waited for too", n)
		}
	})
}

// TestScrapIsHidden: what is cut off because nobody knows whose it is goes into
// the bin, not into a hand.
func TestScrapIsHidden(t *testing.T) {
	in(t, presenters, func(t *testing.T, d *escpos.Dev, p *printer.Printer) {
		if err := d.Cut(t.Context()); err != nil {
			t.Fatalf("Cut = %v, want nil", err)
		}
		if s := p.State(); s.Bin != 1 || s.Waiting {
			t.Errorf("State = %+v, want what was cut off in the bin", s)
		}
	})
}

func TestNoPresenter(t *testing.T) {
	in(t, []string{escpos.Generic}, func(t *testing.T, d *escpos.Dev, _ *printer.Printer) {
		err := d.Retract(t.Context())
		if e, ok := errors.AsType[*device.Error](err); !ok || !errors.Is(err, device.ErrUnsupported) || e.SideEffect != device.SideEffectNo {
			t.Errorf("Retract = %v, want ErrUnsupported", err)
		}
	})
}

var every = escpos.Profiles()

// TestHot: a head that is too hot lets no job begin. A job under way waits for
// it to cool, and is printed; where the printer itself ends such a job, it is
// not called printed.
func TestHot(t *testing.T) {
	in(t, every, func(t *testing.T, d *escpos.Dev, p *printer.Printer) {
		p.SetHot(true)
		time.Sleep(2 * time.Second) // faked
		m, err := d.Media(t.Context())
		if err != nil || !m.Hot || m.Paper != device.PaperFull || d.Health() != device.Busy {
			t.Errorf("Media = %+v, %v with health %v, want hot and busy", m, err, d.Health())
		}
		out, err := d.Print(t.Context(), devicetest.Ticket(d.Width(), 100, 1))
		if out != device.NotPrinted || !errors.Is(err, device.ErrHot) {
			t.Errorf("Print = %v, %v, want NotPrinted and ErrHot", out, err)
		}
		p.SetHot(false)
		devicetest.Online(t, d)
		p.After(60, func() {
			go p.SetHot(true)
			time.AfterFunc(20*time.Second, func() { p.SetHot(false) })
		})
		old := devicetest.Ticket(d.Width(), 400, 2)
		out, err = d.Print(t.Context(), old)
		if prof, _ := escpos.ProfileOf(profileFor(t)); prof.Status == escpos.StatusNippon {
			if out != device.PrintUnknown {
				t.Errorf("Print = %v, %v, want PrintUnknown", out, err)
			}
			return
		}
		if out != device.Printed || err != nil || len(p.Papers()) != 1 {
			t.Errorf("Print = %v, %v with %d papers, want Printed", out, err, len(p.Papers()))
		}
	})
}

// TestHotAtFirst: a printer that is found hot is not called gone.
func TestHotAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := modelOf(t, escpos.Generic, 0)
		p.SetHot(true)
		d := driveAs(t, linktest.Plug(t, "printer", p), "")
		time.Sleep(10 * time.Second) // faked
		if h := d.Health(); h != device.Busy {
			t.Errorf("Health = %v, want %v", h, device.Busy)
		}
		p.SetHot(false)
		devicetest.Online(t, d)
		mustPrint(t, d, 1)
	})
}

// profileFor is the profile that the test of this name is about.
func profileFor(t *testing.T) string {
	for _, n := range every {
		if "TestHot/"+n == t.Name() {
			return n
		}
	}
	return ""
}

// TestRecovers: an error that stays although a person has mended its cause is
// ended by the driver, which does not rattle the cutter meanwhile.
func TestRecovers(t *testing.T) {
	in(t, []string{"epson-tm-t20", "epson-tm-t88", "epson-eu-m30", "citizen-ct-s651"}, func(t *testing.T, d *escpos.Dev, p *printer.Printer) {
		p.SetPaper(device.PaperJammed)
		time.Sleep(time.Minute) // faked
		if m, err := d.Media(t.Context()); err != nil || m.Paper != device.PaperJammed {
			t.Errorf("Media = %+v, %v, want a jam", m, err)
		}
		if n := p.Recoveries(); n < 5 || n > 30 {
			t.Errorf("tries to end the error within a minute: got %d, want 5 to 30", n)
		}
		p.SetPaper(device.PaperFull)
		time.Sleep(10 * time.Second) // faked
		devicetest.Online(t, d)
		mustPrint(t, d, 1)
	})
}
