package update

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/firmware/update/rauc"
	"github.com/penjire/penjire/sync/release"
)

// carryOut does what is to be done. What takes long goes on beside.
func (u *Updater) carryOut(ctx context.Context) {
	u.mu.Lock()
	todo := u.todo
	u.todo = nil
	u.mu.Unlock()
	for _, e := range todo {
		switch e.(type) {
		case Fetch:
			u.fetch(ctx)
		case Halt:
			u.halt()
		case Drop:
			u.halt()
			if err := u.store.drop(); err != nil {
				u.c.Log.Warn("update", "err", err)
			}
		case Keep:
			u.keep(ctx)
		case DropBase:
			u.halt()
			u.plan = nil
			if err := u.store.dropBase(); err != nil {
				u.c.Log.Warn("update", "err", err)
			}
		case Install:
			u.halt()
			u.task(ctx, true, u.install)
		case Reboot:
			u.task(ctx, false, func(ctx context.Context) { u.restart(ctx) })
		case Leave:
			u.task(ctx, false, u.leave)
		case MarkGood:
			u.task(ctx, false, u.markGood)
		case WriteNotes:
			u.writeNotes(ctx)
		}
	}
}

// keep keeps the bundle that went well.
func (u *Updater) keep(ctx context.Context) {
	u.halt()
	u.plan = nil
	err := u.store.keep()
	if err == nil {
		err = u.step(Kept{}, u.facts(ctx))
	}
	u.trouble("update: the bundle that went well is not kept", err) // a tick asks again
}

// task does something beside everything else, of which there is one at a time. What
// finds another under way is left out: a tick asks for it again. must waits instead.
func (u *Updater) task(ctx context.Context, must bool, do func(context.Context)) {
	u.tasks.Go(func() {
		if must {
			u.hands.Lock()
		} else if !u.hands.TryLock() {
			return
		}
		defer u.hands.Unlock()
		do(ctx)
	})
}

// halt stops fetching, and waits until it has stopped.
func (u *Updater) halt() {
	if u.fetching != nil {
		u.fetching()
		<-u.fetched
		u.fetching = nil
	}
}

// target opens the description of what is under way.
func (u *Updater) target() (*release.Release, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r, _, err := release.Open(u.s.Signed, u.keys)
	if err != nil {
		return nil, fmt.Errorf("update: open the description of what is under way: %w", err)
	}
	return r, nil
}

// install hands the bundle to RAUC, once it is known to be the one that was signed.
func (u *Updater) install(ctx context.Context) {
	r, err := u.target()
	if err != nil { // its key was revoked meanwhile
		u.tell(ctx, InstallEnded{Code: release.CodeOf(err), Detail: err.Error()})
		return
	}
	if err := u.store.whole(&r.Content); err != nil {
		u.tell(ctx, InstallEnded{Code: release.CodeCorrupt, Detail: err.Error()})
		return
	}
	err = u.c.Installer.Install(ctx, u.store.bundle(), func(percent int, what string) {
		u.mu.Lock()
		u.progress = Progress{percent, what}
		u.mu.Unlock()
		if u.c.Changed != nil {
			u.c.Changed()
		}
	})
	failed, said := errors.AsType[*rauc.Failed](err)
	switch {
	case err == nil:
		u.tell(ctx, InstallEnded{})
	case said:
		u.tell(ctx, InstallEnded{failed.Code, failed.Said})
	case ctx.Err() != nil: // the daemon stops; the next start knows what to do
	default:
		u.tell(ctx, InstallEnded{release.CodeInstall, err.Error()})
	}
	if err != nil {
		u.c.Log.Warn("update: the installation ended", "err", err)
	}
}

func (u *Updater) markGood(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := u.c.Installer.MarkGood(ctx); err != nil {
		u.c.Log.Warn("update: the slot could not be marked good", "err", err)
		return // a tick asks again
	}
	u.c.Log.Info("update: the slot is marked good", "slot", u.slot)
	u.tell(ctx, Marked{})
}

// leave goes back. The slot that runs stays startable, in case the other is not.
func (u *Updater) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	u.c.Log.Warn("update: this version is left", "why", string(u.state().Why))
	if err := u.c.Installer.MarkGood(ctx); err != nil {
		u.c.Log.Error("update", "err", err)
	}
	if err := u.c.Installer.ActivateOther(ctx); err != nil {
		u.c.Log.Error("update", "err", err) // the next start tries again
	}
	u.restart(ctx)
}

func (u *Updater) restart(ctx context.Context) {
	if err := u.c.Restart(ctx); err != nil {
		u.c.Log.Error("update: the machine could not be restarted", "err", err)
	}
}

// writeNotes puts notes into the journal. It is at least once: a note that was written
// when the power went is written again.
func (u *Updater) writeNotes(ctx context.Context) {
	n := 0
	for _, note := range u.state().Notes {
		err := u.c.Journal(ctx, note)
		u.trouble("update: the journal does not take a note", err)
		if err != nil {
			break
		}
		n++
	}
	if n == 0 {
		return
	}
	if err := u.step(Noted{n}, u.facts(ctx)); err != nil {
		u.c.Log.Error("update", "err", err)
	}
}

// keepFree is how much of the disk a bundle leaves to what the kiosk is for.
const keepFree = 256 << 20

// space returns how large a bundle the disk takes, where what is there of one counts as
// room, and how much the one has that is kept.
func (u *Updater) space() (most, base int64) {
	bundle, base := u.store.sizes()
	return room(u.c.Dir) + bundle, base
}

// room returns how much of the disk is free for bundles.
func room(dir string) int64 {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0
	}
	return int64(fs.Bavail)*int64(fs.Bsize) - keepFree //nolint:unconvert // the sizes differ by processor
}
