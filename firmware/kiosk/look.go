package kiosk

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/ui/screen"
)

const (
	// leastDisk is how much room the disk must have: below it the file that the
	// outbox has may not grow.
	leastDisk = 32 << 20
	// fullFor is how long a full outbox is not tried again, unless something
	// was sent meanwhile.
	fullFor = time.Minute
)

// Each of these looks at one thing, sets the conditions that follow from it, and
// returns what the footer says of it.

func (k *Kiosk) lookPrinter(ctx context.Context) screen.State {
	var m device.Media
	h := device.NoDevice
	if k.printer != nil {
		h = k.printer.Health()
		if h != device.NoDevice && h != device.Offline {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			var err error
			if m, err = k.printer.Media(ctx); err != nil {
				m = device.Media{Paper: device.PaperUnknown, Cover: device.CoverUnknown}
			}
		}
	}
	k.mu.Lock()
	k.media = m
	k.exit = standsSince(k.exit, m.Exit, time.Now())
	untaken := !k.exit.IsZero() && time.Since(k.exit) >= takeTime
	k.mu.Unlock()
	k.set(health.Untaken, untaken)
	k.set(health.PrinterHot, m.Hot)
	s := screen.Good
	switch {
	case h == device.NoDevice || h == device.Offline:
		s = screen.Gone
	case m.Cover == device.CoverOpen:
		s = screen.Open
	case m.Paper == device.PaperOut:
		s = screen.Out
	case m.Paper == device.PaperJammed || h == device.HardwareError:
		s = screen.Jam
	case m.Hot:
		s = screen.Down // until it has cooled
	case m.Paper == device.PaperUnknown || m.Paper == "" || h == device.Unknown || h == device.Starting:
		s = screen.Unknown
	case m.Paper == device.PaperLow:
		s = screen.Low
	}
	k.set(health.NoPrinter, s == screen.Gone)
	k.set(health.CoverOpen, s == screen.Open)
	k.set(health.PaperOut, s == screen.Out)
	k.set(health.PaperJam, s == screen.Jam)
	k.set(health.PaperLow, s == screen.Low)
	return s
}

// standsSince returns since when a paper has stood in the output; zero when none
// does, or when nobody knows. since is what was returned before.
func standsSince(since time.Time, e device.Exit, now time.Time) time.Time {
	switch {
	case e != device.ExitEntering:
		return time.Time{}
	case since.IsZero():
		return now
	}
	return since
}

func (k *Kiosk) lookReader() screen.State {
	s := screen.Gone
	if k.reader != nil {
		switch k.reader.Health() {
		case device.Online, device.Busy:
			s = screen.Good
		case device.NoDevice, device.Offline:
		case device.HardwareError:
			s = screen.Down
		default:
			s = screen.Unknown
		}
	}
	k.set(health.NoReader, s == screen.Gone || s == screen.Down)
	return s
}

func (k *Kiosk) lookPortal() screen.State {
	st := k.up.Status()
	k.set(health.PortalCert, !st.Connected && st.LastError == uplink.CodePortalCertificate)
	k.set(health.PortalNo, !st.Connected && (st.LastError == uplink.CodeKioskCertificate || st.LastError == uplink.CodeVersion))
	k.set(health.NoPortal, !st.Connected)
	k.set(health.Refuted, st.Journal != "")
	k.set(health.Unbelieved, st.Aside > 0)
	switch {
	case st.Connected:
		return screen.Good
	case st.LastError == "":
		return screen.Unknown // not tried to the end yet
	}
	return screen.Down
}

// lookClock also puts steps of the machine's clock into the journal.
func (k *Kiosk) lookClock(ctx context.Context) screen.State {
	for _, s := range k.clock.Steps() {
		k.log.Warn("the machine's clock stepped", "by", s.By.String())
		_, err := k.box.Append(ctx, journal.Entry{Kind: journal.ClockStep, Fields: journal.Fields{
			From: s.At.Add(-s.By).UnixMilli(), To: s.At.UnixMilli(), Reason: "machine.clock",
		}})
		if err != nil && ctx.Err() == nil {
			k.log.Error("a step of the clock could not be journalled", "err", err)
		}
	}
	binding, unknown := k.clock.Binding(), k.clock.Trust() == clock.Unknown
	k.lookTrust()
	k.set(health.ClockLost, unknown)
	k.set(health.BeaconOld, !binding && !unknown)
	if binding {
		return screen.Good
	}
	return screen.Unknown
}

// lookTrust looks, now and then, how old the knowledge of revocations is.
func (k *Kiosk) lookTrust() {
	if time.Since(k.trustSeen) < time.Minute && k.trustOf == k.know.trust() {
		return
	}
	k.trustSeen, k.trustOf = time.Now(), k.know.trust()
	r := k.trustOf.CheckCard(k.signer().Cert, trust.UseDevice, k.clock.Now())
	k.set(health.TrustOld, r.Revocation.Reason == trust.ReasonStaleCRL)
	now := k.clock.Now()
	k.set(health.SealNew, sealCert(k.trustOf, k.signer().Cert, now, now) == nil)
}

func (k *Kiosk) lookOutbox(ctx context.Context) session.Queue {
	st := k.box.Stats(ctx)
	now := k.clock.Now()
	q := k.waitingFor(st, k.up.Status(), now)
	k.set(health.Overdue, q.Overdue)
	restored := slices.Contains(st.Alarms, outbox.AlarmRestored)
	k.set(health.Restored, restored)
	k.set(health.OutboxLost, len(st.Alarms) > 0 && !restored)

	k.offerBelated(ctx)
	k.lookMirror()

	k.mu.Lock()
	if st.Unsent < k.unsent || now.Sub(k.full) > fullFor || now.Before(k.full) {
		k.full = time.Time{} // room was made, or it is time to try again
	}
	k.unsent = st.Unsent
	full := !k.full.IsZero()
	k.withdrawOffer()
	k.set(health.Unprinted, len(k.interrupted) > 0)
	k.mu.Unlock()
	k.set(health.DiskFull, full || diskFree(k.s.State) < leastDisk)
	return q
}

func (k *Kiosk) lookMirror() {
	m := k.box.Mirror()
	late := time.Since(m.Since) > mirrorGrace
	for c, state := range map[*health.Condition]outbox.MirrorState{
		health.MirrorGone: outbox.MirrorGone, health.MirrorFull: outbox.MirrorFull, health.MirrorSlow: outbox.MirrorStale,
		health.MirrorElse: outbox.MirrorForeign, health.MirrorMore: outbox.MirrorAhead,
	} {
		k.set(c, m.State == state && (late || state != outbox.MirrorGone && state != outbox.MirrorStale))
	}
	k.set(health.MirrorSame, m.Same)
}

// diskFree returns how many bytes a file in dir may still grow by; a disk that
// cannot be asked is not called full.
func diskFree(dir string) int64 {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 1 << 62
	}
	return int64(fs.Bavail) * int64(fs.Bsize) //nolint:unconvert // the sizes differ by processor
}
