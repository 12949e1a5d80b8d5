package outbox

import (
	"context"
	"fmt"
	"slices"
)

// The alarms of an outbox: stable codes in Stats.Alarms.
const (
	// AlarmQuarantined: a damaged file was set aside and salvaged. Stays until
	// dismissed.
	AlarmQuarantined = "outbox.quarantined"
	// AlarmLost: not everything could be salvaged: of some requests the sealed
	// bytes or the record are gone. Stays until dismissed.
	AlarmLost = "outbox.lost"
	// AlarmRecovered: the file was made anew from a backup or a mirror (Restore).
	// Stays until dismissed.
	AlarmRecovered = "outbox.recovered"
	// AlarmMissing: the file was gone where there had been one. Stays until
	// dismissed.
	AlarmMissing = "outbox.missing"
	// AlarmRestored: the file is an older copy of itself (Renounce). Until the next
	// Open, which sets it aside and goes on from it under a new epoch.
	AlarmRestored = "outbox.restored"
	// AlarmDamaged: a damaged value or page was met while open, or a commit that
	// failed is in the file. The file is opened again by itself; what is damaged is
	// set aside then. Until the next Open, or dismissed.
	AlarmDamaged = "outbox.damaged"
	// AlarmUnknownReceipt: the portal has a document that is not here. Until
	// the next Open.
	AlarmUnknownReceipt = "outbox.receipt.unknown"
	// AlarmWithdrawnReceipt: the portal has a request that was withdrawn here.
	// Until the next Open.
	AlarmWithdrawnReceipt = "outbox.receipt.withdrawn"
)

// Renounce says that this file is not what it was: somebody put an older copy of
// it in its place, or changed its journal, and the portal has shown it. Durably,
// nothing is accepted from now on: its sequences and its journal's places were
// used before. The next Open sets the file aside and carries all of it into a new
// one with a new epoch (OB-DAM-7).
func (o *Outbox) Renounce(ctx context.Context) error {
	return o.write(ctx, func(t *tx) error {
		m, err := t.readMeta()
		if err != nil {
			return fmt.Errorf("outbox: renounce the file: %w", err)
		}
		if slices.Contains(m.Alarms, AlarmRestored) {
			return nil
		}
		m.Alarms = append(m.Alarms, AlarmRestored)
		if err := t.putMeta(m); err != nil {
			return err
		}
		t.after = append(t.after, func(m *memory) { m.alarm(AlarmRestored) })
		return nil
	})
}

// Dismiss takes an alarm back, after a technician has seen to it. An alarm
// that is not raised is no error. AlarmRestored cannot be taken back.
func (o *Outbox) Dismiss(ctx context.Context, alarm string) error {
	if alarm == AlarmRestored {
		return fmt.Errorf("outbox: dismiss %s: only opening the outbox again ends it: %w", alarm, ErrRestored)
	}
	return o.write(ctx, func(t *tx) error {
		m, err := t.readMeta()
		if err != nil {
			return fmt.Errorf("outbox: dismiss %s: %w", alarm, err)
		}
		if i := slices.Index(m.Alarms, alarm); i >= 0 {
			m.Alarms = slices.Delete(m.Alarms, i, i+1)
			if err := t.putMeta(m); err != nil {
				return err
			}
		}
		t.after = append(t.after, func(m *memory) {
			m.alarms = slices.DeleteFunc(slices.Clone(m.alarms), func(a string) bool { return a == alarm })
		})
		return nil
	})
}
