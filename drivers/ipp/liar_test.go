package ipp_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/ippprinter"
)

// liar is a driver that breaks its contract.
type liar struct {
	device.DocumentPrinter
	lie string
}

func (l liar) Submit(ctx context.Context, d device.Document) (device.JobID, error) {
	id, err := l.DocumentPrinter.Submit(ctx, d)
	if l.lie == "sends again" && err != nil {
		if _, err := d.PDF.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
		return l.DocumentPrinter.Submit(ctx, d)
	}
	if l.lie == "sends to be sure" && err == nil {
		return l.DocumentPrinter.Submit(ctx, d)
	}
	return id, err
}

func (l liar) Job(ctx context.Context, id device.JobID) (device.Job, error) {
	j, err := l.DocumentPrinter.Job(ctx, id)
	if l.lie == "believes in a print" && err == nil && j.State != device.JobStopped {
		j.State = device.JobCompleted
	}
	return j, err
}

func (l liar) Health() device.Health {
	if l.lie == "is always fine" {
		return device.Online
	}
	return l.DocumentPrinter.Health()
}

// lies are what the suite must catch, and by which of its tests.
var lies = map[string]string{
	"sends again":         "power_cut",
	"sends to be sure":    "prints_what_was_sent",
	"believes in a print": "says_printed_when_it_is",
	"is always fine":      "unplugged_before",
}

// TestSuiteCatchesLiars runs the suite with each liar in a process of its own and
// wants it to fail.
func TestSuiteCatchesLiars(t *testing.T) {
	for lie, by := range lies {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLiar$/^"+by+"$", "-test.timeout=1m")
		cmd.Env = append(os.Environ(), "PENJIRE_LIE="+lie)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "--- FAIL: TestLiar/"+by) {
			t.Errorf("a driver that %s: the suite said %v\n%s", lie, err, out)
		}
	}
}

// TestLiar is the suite that TestSuiteCatchesLiars wants to fail.
func TestLiar(t *testing.T) {
	lie := os.Getenv("PENJIRE_LIE")
	if lie == "" {
		return // the other test runs this one
	}
	plug := inMemory(ippprinter.Opts{Sheet: time.Second})
	devicetest.DocumentPrinter(t, devicetest.Faked, func(t *testing.T) devicetest.DocumentRig {
		r := plug(t)
		r.Dev = liar{r.Dev, lie}
		return r
	})
}
