package ipp_test

import (
	"context"
	"io"
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
	if l.lie == "sends again" && err != nil && d.PDF != nil {
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

// TestSuiteCatchesLiars wants the suite to fail for each liar.
func TestSuiteCatchesLiars(t *testing.T) {
	devicetest.Caught(t, "TestLiar", "sends again", "sends to be sure", "believes in a print", "is always fine")
}

// TestLiar is the suite with a liar, where one is called for.
func TestLiar(t *testing.T) {
	plug := inMemory(ippprinter.Opts{Sheet: time.Second})
	if devicetest.Lie() == "" {
		return // TestSuite is the same with the truth
	}
	devicetest.DocumentPrinter(t, devicetest.Faked, func(t *testing.T) devicetest.DocumentRig {
		r := plug(t)
		r.Dev = liar{r.Dev, devicetest.Lie()}
		return r
	})
}
