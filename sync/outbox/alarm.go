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
	// AlarmMissing: the file was gone where there had been one. Stays until
	// dismissed.
	AlarmMissing = "outbox.missing"
	// AlarmDamaged: a damaged value or page was met while open, and the next Open
	// sets the file aside; or a commit that failed is in the file, and the next
	// Open goes on from it. Until then.
	AlarmDamaged = "outbox.damaged"
	// AlarmUnknownReceipt: the portal has a document that is not here. Until
	// the next Open.
	AlarmUnknownReceipt = "outbox.receipt.unknown"
	// AlarmWithdrawnReceipt: the portal has a request that was withdrawn here.
	// Until the next Open.
	AlarmWithdrawnReceipt = "outbox.receipt.withdrawn"
)

// Dismiss takes an alarm back, after a technician has seen to it. An alarm
// that is not raised is no error.
func (o *Outbox) Dismiss(ctx context.Context, alarm string) error {
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
