package virtual

import (
	"context"
	"fmt"
	"time"
)

// stick is the name of the memory stick in QEMU; there is one at most.
const stick = "stick"

// PutIn puts a memory stick, with file as all that is on it, into a USB socket of the
// running machine. The machine must have USB.
func (m *Machine) PutIn(ctx context.Context, file string) error {
	if err := m.control.Do(ctx, "blockdev-add", map[string]any{
		"driver": "raw", "node-name": stick, "file": map[string]any{"driver": "file", "filename": file},
	}, nil); err != nil {
		return fmt.Errorf("put a memory stick in: %w", err)
	}
	if err := m.control.Do(ctx, "device_add", map[string]any{"driver": "usb-storage", "id": stick, "drive": stick, "removable": true}, nil); err != nil {
		return fmt.Errorf("put a memory stick in: %w", err)
	}
	return nil
}

// PullOut pulls the memory stick out, whatever the guest is doing with it, and returns
// once QEMU does not hold its file any more.
func (m *Machine) PullOut(ctx context.Context) error {
	if err := m.control.Do(ctx, "device_del", map[string]any{"id": stick}, nil); err != nil {
		return fmt.Errorf("pull the memory stick out: %w", err)
	}
	for every := time.Tick(100 * time.Millisecond); ; { // it says nothing that could be waited for
		err := m.control.Do(ctx, "blockdev-del", map[string]any{"node-name": stick}, nil)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("pull the memory stick out: %w", err)
		case <-every:
		}
	}
}
