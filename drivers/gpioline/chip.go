package gpioline

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/drivers/device"
	"periph.io/x/conn/v3/gpio"
)

// Requests of linux/gpio.h, version 2 of the interface: Linux 5.10 and later. Their
// structures are laid out alike on all processors.
const (
	chipInfo    = 0x8044B401 // GPIO_GET_CHIPINFO_IOCTL, struct gpiochip_info
	lineInfo    = 0xC100B405 // GPIO_V2_GET_LINEINFO_IOCTL, struct gpio_v2_line_info
	lineRequest = 0xC250B407 // GPIO_V2_GET_LINE_IOCTL, struct gpio_v2_line_request
	lineRead    = 0xC010B40E // GPIO_V2_LINE_GET_VALUES_IOCTL, struct gpio_v2_line_values
	lineSet     = 0xC010B40F // GPIO_V2_LINE_SET_VALUES_IOCTL

	nameSize  = 32
	eventSize = 48 // struct gpio_v2_line_event

	flagInput    = 1 << 2
	flagOutput   = 1 << 3
	flagRising   = 1 << 4
	flagFalling  = 1 << 5
	flagPullUp   = 1 << 8
	flagPullDown = 1 << 9
	attrValues   = 2 // GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES
)

// Fields of the structures.
const (
	infoLabel, infoLines                = 32, 64
	lineOffset                          = 64
	requestConsumer, requestFlags       = 256, 288
	requestAttrs, requestAttr           = 296, 320 // how many, and the first
	requestLines, requestFD             = 560, 588
	attrID, attrValue, attrMask         = 0, 8, 16
	valuesBits, valuesMask, valuesBytes = 0, 8, 16
)

// ioctl carries request out on arg, which has the size that request says.
func ioctl(fd uintptr, request uint32, arg []byte) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, uintptr(request), uintptr(unsafe.Pointer(unsafe.SliceData(arg))))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		case unix.ENODEV:
			return fmt.Errorf("%w: %w", errno, device.ErrUnplugged) // the chip has left
		default:
			return errno
		}
	}
}

// sized is an argument for request.
func sized(request uint32) []byte { return make([]byte, request>>16&0x3FFF) }

func text(b []byte) string {
	b, _, _ = bytes.Cut(b[:nameSize], []byte{0})
	return string(b)
}

// chip is one of the kernel's, open.
type chip struct {
	file        *os.File
	name, label string
	lines       []string // their names
}

// openChip opens a chip and asks for its lines.
func openChip(path string) (*chip, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	c := &chip{file: os.NewFile(uintptr(fd), path)}
	b := sized(chipInfo)
	err = ioctl(uintptr(fd), chipInfo, b)
	c.name, c.label = text(b), text(b[infoLabel:])
	for i := range binary.NativeEndian.Uint32(b[infoLines:]) {
		if err != nil {
			break
		}
		b := sized(lineInfo)
		binary.NativeEndian.PutUint32(b[lineOffset:], i)
		err = ioctl(uintptr(fd), lineInfo, b)
		c.lines = append(c.lines, text(b))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask %s for its lines: %w", path, err), c.file.Close())
	}
	return c, nil
}

// find opens the chip that has the line of that name, and says which of its lines it
// is. Names are unique on most machines; where two chips have one, the processor's
// (label pinctrl-…) comes first, and chip-name ("gpiochip1-GPIO4") names the other.
func find(name string) (*chip, uint32, error) {
	paths, err := filepath.Glob("/dev/gpiochip*")
	if err != nil {
		return nil, 0, err
	}
	var chips []*chip
	var errs []error
	for _, p := range paths {
		if i, err := os.Lstat(p); err != nil || i.Mode()&os.ModeSymlink != 0 {
			continue // another name for one of the others, or gone
		}
		switch c, err := openChip(p); {
		case err == nil:
			chips = append(chips, c)
		case !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENXIO) && !errors.Is(err, unix.ENOENT):
			errs = append(errs, err) // and not that it has just left
		}
	}
	later := func(c *chip) int {
		if strings.HasPrefix(c.label, "pinctrl-") {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(chips, func(a, b *chip) int {
		return cmp.Or(cmp.Compare(later(a), later(b)), cmp.Compare(a.label, b.label))
	})
	var found *chip
	at := -1
	for _, c := range chips {
		if at < 0 {
			at = slices.IndexFunc(c.lines, func(l string) bool { return l != "" && (l == name || c.name+"-"+l == name) })
			if at >= 0 {
				found = c
				continue
			}
		}
		errs = append(errs, c.file.Close())
	}
	if found == nil {
		return nil, 0, errors.Join(errs...)
	}
	return found, uint32(at), nil // what is wrong with others is their lines' concern
}

// request asks the kernel for a line. first is an output's level.
func request(name string, flags uint64, first gpio.Level) (*os.File, error) {
	c, at, err := find(name)
	if c == nil {
		return nil, err
	}
	b := sized(lineRequest)
	binary.NativeEndian.PutUint32(b, at)
	copy(b[requestConsumer:requestConsumer+nameSize-1], "penjire")
	binary.NativeEndian.PutUint64(b[requestFlags:], flags)
	binary.NativeEndian.PutUint32(b[requestLines:], 1)
	if flags&flagOutput != 0 {
		binary.NativeEndian.PutUint32(b[requestAttrs:], 1)
		attr := b[requestAttr:]
		binary.NativeEndian.PutUint32(attr[attrID:], attrValues)
		binary.NativeEndian.PutUint64(attr[attrValue:], bit(first))
		binary.NativeEndian.PutUint64(attr[attrMask:], 1)
	}
	err = ioctl(c.file.Fd(), lineRequest, b)
	if cerr := c.file.Close(); err != nil || cerr != nil {
		return nil, errors.Join(err, cerr)
	}
	fd := int(int32(binary.NativeEndian.Uint32(b[requestFD:])))
	if err := unix.SetNonblock(fd, true); err != nil { // so that waiting can end
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil
}

func bit(l gpio.Level) uint64 {
	if l {
		return 1
	}
	return 0
}
