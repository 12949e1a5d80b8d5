package rauc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/boards/layout"
)

// Slot is one partition of RAUC's.
type Slot struct {
	Name     string // rootfs.0
	Class    string // rootfs
	Bootname string // A; "" for what another slot starts
	Booted   bool
	Device   string
	Good     bool   // as the boot loader is told
	Version  string // of the bundle that was written into it; "" unknown
	Whole    bool   // that was written to the end, or nothing is known of it
}

// Slots returns all slots.
func (c *Client) Slots(ctx context.Context) ([]Slot, error) {
	var raw []struct {
		Name   string
		Status map[string]dbus.Variant
	}
	if err := c.call(ctx, iface+".GetSlotStatus", []any{&raw}); err != nil {
		return nil, fmt.Errorf("rauc: ask for the slots: %w", err)
	}
	var out []Slot
	for _, r := range raw {
		text := func(key string) string {
			s, _ := r.Status[key].Value().(string)
			return s
		}
		status := text("status")
		out = append(out, Slot{
			Name: r.Name, Class: text("class"), Bootname: text("bootname"), Booted: text("state") == "booted",
			Device: text("device"), Good: text("boot-status") == "good", Version: text("bundle.version"),
			Whole: status == "" || status == "ok",
		})
	}
	return out, nil
}

// Booted returns the bootname of the slot that runs.
func (c *Client) Booted(ctx context.Context) (string, error) {
	slots, err := c.Slots(ctx)
	if err != nil {
		return "", err
	}
	for _, s := range slots {
		if s.Booted && s.Bootname != "" {
			return s.Bootname, nil
		}
	}
	return "", fmt.Errorf("rauc: none of %d slots is the one that runs", len(slots))
}

// MarkGood says that the slot that runs is good: its tries are counted anew.
func (c *Client) MarkGood(ctx context.Context) error { return c.mark(ctx, "good", "booted") }

// ActivateOther has the other slot start next. The one that runs stays good.
func (c *Client) ActivateOther(ctx context.Context) error { return c.mark(ctx, "active", "other") }

func (c *Client) mark(ctx context.Context, state, slot string) error {
	var name, said string
	if err := c.call(ctx, iface+".Mark", []any{&name, &said}, state, slot); err != nil {
		return fmt.Errorf("rauc: mark slot %s %s: %w", slot, state, err)
	}
	return nil
}

// Room returns how large the smallest slot of a root file system is, by the kernel; 0:
// it cannot be told.
func (c *Client) Room(ctx context.Context) int64 {
	slots, err := c.Slots(ctx)
	if err != nil {
		return 0
	}
	least := int64(0)
	for _, s := range slots {
		if s.Class != layout.RootClass {
			continue
		}
		if n := size(s.Device); n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// size returns how many bytes a block device has, by sysfs, which anybody may read.
func size(device string) int64 {
	real, err := filepath.EvalSymlinks(device)
	if err != nil {
		return 0
	}
	b, err := os.ReadFile(filepath.Join("/sys/class/block", filepath.Base(real), "size"))
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0
	}
	return n * layout.Sector
}
