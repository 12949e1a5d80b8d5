package ledger

import "time"

// Traffic is what one kiosk brought in one hour: records that had not come
// before, and their sealed bytes. It is what quotas and the fleet's plots count.
type Traffic struct {
	Kiosk   string
	Hour    time.Time // its beginning
	Records int64
	Bytes   int64
}
