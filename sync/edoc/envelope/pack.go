package envelope

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/penjire/penjire/sync/edoc/lean"
)

// What is encrypted is a zstd frame, or, of an e-document that has a lean form
// (package lean), this byte, the length of its raw part, that part, and a zstd
// frame of its text without the first four bytes, which every frame has.
const leanMark = 1

// frameHead is how a zstd frame begins.
const frameHead = "\x28\xb5\x2f\xfd"

// window is how far back the compressor looks: a kiosk has little memory, and
// what is large here is pictures.
const window = 128 << 10

// pack makes plain small.
func (d *Dictionary) pack(plain []byte) ([]byte, error) {
	f, ok := lean.Shrink(plain)
	if !ok || len(f.Text) > lean.MaxContainer {
		return d.compress(plain, zstd.SpeedDefault)
	}
	// A few hundred bytes are found in the dictionary at once or not at all; a
	// slower compressor takes ten times as long to be made, for nothing.
	frame, err := d.compress(f.Text, zstd.SpeedFastest)
	if err != nil {
		return nil, err
	}
	head := binary.AppendUvarint([]byte{leanMark}, uint64(len(f.Raw)))
	return slices.Concat(head, f.Raw, frame[len(frameHead):]), nil
}

func (d *Dictionary) compress(plain []byte, level zstd.EncoderLevel) ([]byte, error) {
	z, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(window), zstd.WithSingleSegment(len(plain) <= window), zstd.WithEncoderCRC(false),
		zstd.WithEncoderDict(d.file))
	if err != nil {
		return nil, err
	}
	packed := z.EncodeAll(plain, nil)
	return packed, z.Close()
}

// unpack is the reverse of pack.
func (find Dictionaries) unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 || packed[0] != leanMark {
		return find.decompress(packed, MaxPlain)
	}
	n, size := binary.Uvarint(packed[1:])
	if size <= 0 || n > lean.MaxContainer || n > uint64(len(packed)-1-size) { //nolint:gosec // size is not above what is there
		return nil, errors.New("envelope: open: it is lean and cut off")
	}
	raw, rest := packed[1+size:][:n], packed[1+size:][n:]
	text, err := find.decompress(append([]byte(frameHead), rest...), lean.MaxContainer)
	if err != nil {
		return nil, err
	}
	plain, err := lean.Grow(lean.Form{Raw: bytes.Clone(raw), Text: text})
	if err != nil {
		return nil, fmt.Errorf("envelope: open: %w", err)
	}
	return plain, nil
}

// decompress returns what a frame expands to, which is no more than most.
func (find Dictionaries) decompress(frame []byte, most uint64) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(frame); err != nil {
		return nil, fmt.Errorf("envelope: decompress: %w", err)
	}
	if most < MaxPlain && (!h.HasFCS || h.FrameContentSize > most) {
		return nil, fmt.Errorf("envelope: decompress: it does not say that it expands to %d bytes at most", most)
	}
	z, err := bare, error(nil)
	if h.DictionaryID != 0 {
		var d *Dictionary
		if d, err = find.dictionary(h.DictionaryID); err == nil {
			z, err = d.reader()
		}
		if err != nil {
			return nil, fmt.Errorf("envelope: open: dictionary %08x: %w", h.DictionaryID, err)
		}
	}
	plain, err := z.DecodeAll(frame, nil)
	if err != nil {
		return nil, fmt.Errorf("envelope: decompress: %w", err)
	}
	if uint64(len(plain)) > most { // of several frames each says its own size
		return nil, fmt.Errorf("envelope: decompress: got %d bytes, want at most %d", len(plain), most)
	}
	return plain, nil
}

// bare reads what was compressed without a dictionary.
var bare = func() *zstd.Decoder {
	z, err := zstd.NewReader(nil, limits()...)
	if err != nil {
		panic(err) // its options are right, or no test passes
	}
	return z
}()

func limits(more ...zstd.DOption) []zstd.DOption {
	return append(more, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(MaxPlain))
}

// reader returns what decompresses with the dictionary. Making it takes longer
// than a request does, so it is made once; it may be used by many at a time.
func (d *Dictionary) reader() (*zstd.Decoder, error) {
	d.once.Do(func() { d.decoder, d.err = zstd.NewReader(nil, limits(zstd.WithDecoderDicts(d.file))...) })
	return d.decoder, d.err
}
