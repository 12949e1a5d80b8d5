package printing

import (
	"context"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/sync/catalog"
)

// aStatus is a ticket with one of each finding.
func aStatus(lang string) StatusTicket {
	return StatusTicket{
		Lang: lang, Kiosk: "K-000123", Place: catalog.Text{TK: "Nusga obasynyň telemerkezi", RU: "Телецентр села Нусга", EN: "Telecentre of Nusga village"},
		Version: "1.4.2", Board: "rpi4", Made: time.Date(2026, 11, 30, 9, 12, 0, 0, time.FixedZone("", 5*3600)), Address: []string{"192.0.2.10"},
		Portal: Bad, PortalWords: "network", Until: time.Date(2027, 11, 30, 0, 0, 0, 0, time.UTC), Clock: Unknown,
		Devices: []Tested{{"reader", "card-reader", Good, "online"}, {"printer", "receipt-printer", Bad, "paper out"}, {"scanner", "code-scanner", Unknown, ""}},
	}
}

// TestStatusTicket: the ticket fits every paper in every language, and its code says
// the same in short; what is unknown is never said to be good.
func TestStatusTicket(t *testing.T) {
	const short = "PENJIRE-STATUS/1 K=K-000123 V=1.4.2 B=rpi4 T=20261130T0412Z P- C=20271130 T? reader+ printer- scanner?"
	for _, lang := range []string{"tk", "ru", "en"} {
		for _, width := range []int{384, 576, 832} {
			img, err := aStatus(lang).Draw(width, 203)
			if err != nil {
				t.Fatalf("%s: Draw(%d) = %v", lang, width, err)
			}
			if got := scanned(t, img); got != short {
				t.Errorf("%s, %d dots: zbarimg reads %q, want %q", lang, width, got, short)
			}
			f, err := os.Create(filepath.Join(t.ArtifactDir(), lang+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	trial := aStatus("en")
	trial.Developer = true
	if got := trial.Short(); !strings.Contains(got, " V=1.4.2(developer) ") {
		t.Errorf("the ticket of a developer's image says %q", got)
	}
	plain, err := aStatus("en").Draw(576, 203)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := trial.Draw(576, 203); err != nil || said.Bounds().Dy() <= plain.Bounds().Dy() {
		t.Errorf("the ticket of a developer's image has no line that says so, %v", err)
	}
	var none StatusTicket
	if got := none.Short(); strings.Contains(got, "+") {
		t.Errorf("a ticket that knows nothing says %q", got)
	}
	if _, err := none.Draw(384, 203); err != nil {
		t.Errorf("Draw of a ticket that knows nothing = %v", err)
	}
}

// TestAside: a paper that is no job comes out between two jobs, or says why not.
func TestAside(t *testing.T) {
	blank := func(width, _ int) (image.Image, error) { return image.NewGray(image.Rect(0, 0, width, 8)), nil }
	log := play(t, func(q *queue, p *printer, w *Worker) {
		if out, why := w.Aside(context.Background(), blank); out != device.Printed || why != WhyNothing {
			t.Errorf("Aside = %v, %q, want printed", out, why)
		}
		synctest.Wait()
		p.media.Paper = device.PaperOut
		if out, why := w.Aside(context.Background(), blank); out != device.NotPrinted || why != WhyPaperOut {
			t.Errorf("Aside without paper = %v, %q", out, why)
		}
		q.add(1) // it waits for paper, and holds no ticket up
		synctest.Wait()
		p.media = good
		p.out = device.PrintUnknown
		if out, why := w.Aside(context.Background(), blank); out != device.PrintUnknown || why != WhyUnknown {
			t.Errorf("Aside of a printer that does not confirm = %v, %q", out, why)
		}
		synctest.Wait()
		p.out = device.Printed
		if out, why := w.Aside(context.Background(), func(int, int) (image.Image, error) { return nil, errors.New("no picture") }); out != device.NotPrinted || why != WhyLayout {
			t.Errorf("Aside of no picture = %v, %q", out, why)
		}
	})
	want(t, log, "print", "print", "start 1", "print", "end 1 unknown printer.unknown")
	// Whoever stops waiting before it is taken gets nothing printed.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if out, why := new(Worker).Aside(ctx, blank); out != device.NotPrinted || why != WhyStopped {
		t.Errorf("Aside of nobody = %v, %q", out, why)
	}
}
