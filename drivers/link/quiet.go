package link

import (
	"errors"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// Quiet reads and throws away until nothing has come for a moment, at most ten
// times: a device that says the same for ever does not keep its driver. It leaves
// a read deadline behind.
func Quiet(l Line, moment time.Duration) error {
	buf := make([]byte, 512)
	for range 10 {
		if err := l.SetReadDeadline(time.Now().Add(moment)); err != nil {
			return err
		}
		_, err := l.Read(buf)
		if errors.Is(err, device.ErrTimeout) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
