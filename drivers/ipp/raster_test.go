package ipp_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"testing"
	"testing/synctest"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/ippprinter"
	"github.com/penjire/penjire/drivers/ipp"
	"github.com/penjire/penjire/drivers/pwgraster"
)

// sheet draws page i of a document: A4 with a frame and a bar that tells the pages
// apart.
func sheet(i, dpi int) (image.Image, error) {
	w, h := (210*dpi*10+127)/254, (297*dpi*10+127)/254
	img := image.NewGray(image.Rect(0, 0, w, h))
	for j := range img.Pix {
		img.Pix[j] = 0xFF
	}
	for y := range h {
		for x := range w {
			if x < 20 || y < 20 || x >= w-20 || y >= h-20 || y/50 == 2*i+4 {
				img.SetGray(x, y, color.Gray{Y: byte(x)})
			}
		}
	}
	return img, nil
}

// TestRaster: a printer that knows no PDF gets the pictures of the pages.
func TestRaster(t *testing.T) {
	for name, o := range map[string]ippprinter.Opts{
		"grey":       {Formats: []string{"image/pwg-raster"}},
		"color only": {Formats: []string{"image/pwg-raster"}, Types: []string{"srgb_8"}},
		"old":        {Formats: []string{"image/pwg-raster"}, NoCreateJob: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := ippprinter.New(o)
				d := drive(t, "ipp://printer", ipp.Opts{Dial: newCable(t, p).Dial})
				devicetest.Online(t, d)
				doc := devicetest.Paper(2, 1)
				if _, err := d.Submit(t.Context(), doc); !errors.Is(err, device.ErrUnsupported) {
					t.Errorf("Submit of a PDF = %v, want ErrUnsupported", err)
				}
				if err := d.Takes(t.Context(), doc); !errors.Is(err, device.ErrUnsupported) {
					t.Errorf("Takes of a PDF = %v, want ErrUnsupported", err)
				}
				// The pictures may be fewer than the pages of the PDF.
				doc.Page, doc.Pages, doc.Pictures = sheet, 5, 2
				if err := d.Takes(t.Context(), doc); err != nil {
					t.Errorf("Takes of pictures = %v, want nil", err)
				}
				id, err := d.Submit(t.Context(), doc)
				if err != nil {
					t.Fatalf("Submit = %v, want nil", err)
				}
				if j, err := d.Job(t.Context(), id); err != nil || j.State != device.JobCompleted || j.Sheets != 2 {
					t.Errorf("Job = %+v, %v, want 2 sheets", j, err)
				}
				prints := p.Prints()
				if len(prints) != 1 || prints[0].Format != "image/pwg-raster" {
					t.Fatalf("prints = %d, want one raster", len(prints))
				}
				dec := pwgraster.NewDecoder(bytes.NewReader(prints[0].Data))
				for i := range 2 {
					h, got, err := dec.Decode()
					if err != nil || h.DPI != 300 || h.SizeName != "iso_a4_210x297mm" || h.Color != (name == "color only") {
						t.Fatalf("page %d = %+v, %v", i, h, err)
					}
					want, _ := sheet(i, 300)
					for y := 0; y < want.Bounds().Dy(); y += 7 {
						for x := range want.Bounds().Dx() {
							if g, w := color.GrayModel.Convert(got.At(x, y)), want.At(x, y); g != w {
								t.Fatalf("page %d, dot %d in line %d: got %v, want %v", i, x, y, g, w)
							}
						}
					}
				}
				// A page that cannot be drawn, or has another size, prints nothing.
				for name, f := range map[string]func(i, dpi int) (image.Image, error){
					"second page fails": func(i, dpi int) (image.Image, error) {
						if i == 1 {
							return nil, errors.New("out of ink")
						}
						return sheet(i, dpi)
					},
					"letter": func(int, int) (image.Image, error) { return image.NewGray(image.Rect(0, 0, 2550, 3300)), nil },
				} {
					doc.Page = f
					id, err := d.Submit(t.Context(), doc)
					if e, ok := errors.AsType[*device.Error](err); !ok || id != 0 || e.SideEffect == device.SideEffectYes {
						t.Errorf("%s: Submit = %d, %v, want an error", name, id, err)
					}
				}
				if n := len(p.Prints()); n != 1 {
					t.Errorf("prints: got %d, want 1", n)
				}
			})
		})
	}
}

// TestOnlyA4: a document for A4 does not go onto Letter, and the error says what
// lies there.
func TestOnlyA4(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := ippprinter.New(ippprinter.Opts{})
		p.SetReady("na_letter_8.5x11in")
		c := newCable(t, p)
		d := drive(t, "ipp://printer", ipp.Opts{Dial: c.Dial})
		_, err := d.Submit(t.Context(), devicetest.Paper(1, 1))
		if !errors.Is(err, device.ErrNoPaper) || !bytes.Contains(fmt.Append(nil, err), []byte("na_letter_8.5x11in")) {
			t.Errorf("Submit = %v, want ErrNoPaper and what lies there", err)
		}
		trusting := drive(t, "ipp://printer", ipp.Opts{Dial: c.Dial, AnyMedia: true})
		if _, err := trusting.Submit(t.Context(), devicetest.Paper(1, 1)); err != nil {
			t.Errorf("Submit with AnyMedia = %v, want nil", err)
		}
	})
}
