package envelope

import (
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// largeWindow is how far back the compressor of SealTo looks.
const largeWindow = 128 << 10

// SealTo is Seal for what is large: what write writes goes, compressed and encrypted,
// to w, in constant memory and without a dictionary, which would save little of it.
// After an error what w got is no envelope. An error of write is returned wrapped.
func SealTo(w io.Writer, write func(io.Writer) error, recipients ...string) error {
	list, err := parseRecipients(recipients)
	if err != nil {
		return err
	}
	sealed, err := age.Encrypt(w, list...)
	if err != nil {
		return fmt.Errorf("envelope: seal: %w", err)
	}
	z, err := zstd.NewWriter(sealed,
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(largeWindow), zstd.WithEncoderCRC(false))
	if err != nil {
		return fmt.Errorf("envelope: seal: %w", err)
	}
	in := &limited{w: z, left: MaxPlain}
	if err := write(in); err != nil {
		return errors.Join(fmt.Errorf("envelope: seal: %w", err), z.Close())
	}
	if in.left == MaxPlain {
		return errors.Join(errors.New("envelope: seal: got nothing"), z.Close())
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("envelope: seal: %w", err)
	}
	if err := sealed.Close(); err != nil {
		return fmt.Errorf("envelope: seal: %w", err)
	}
	return nil
}

// limited takes no more than Open would give.
type limited struct {
	w    io.Writer
	left int
}

// Write implements io.Writer.
func (l *limited) Write(b []byte) (int, error) {
	if len(b) > l.left {
		return 0, fmt.Errorf("envelope: seal: more than %d bytes", MaxPlain)
	}
	l.left -= len(b)
	return l.w.Write(b)
}
