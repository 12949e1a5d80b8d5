package recipe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLeftOut(t *testing.T) {
	const kernel = "usr/lib/modules/6.12.118+deb13-amd64/kernel/"
	for at, want := range map[string]bool{
		kernel + "drivers/infiniband/core/ib_core.ko.xz": true, kernel + "drivers/net/ethernet/realtek/r8169.ko.xz": false,
		kernel + "drivers/net/ethernet/mellanox/mlx5/core/mlx5_core.ko.xz": true, kernel + "drivers/net/ethernet/jme.ko.xz": false,
		kernel + "drivers/net/wireless/ath/ath9k/ath9k.ko.xz": false, kernel + "drivers/net/wireless/ath/ath11k/ath11k.ko.xz": true, kernel + "drivers/net/wireless/ath/ath.ko.xz": false,
		kernel + "drivers/scsi/sd_mod.ko.xz": false, kernel + "drivers/scsi/mpt3sas/mpt3sas.ko.xz": true, kernel + "fs/squashfs/squashfs.ko.xz": false,
		kernel + "fs/nfs_common/grace.ko.xz": true, kernel + "fs/nls/nls_utf8.ko.xz": false, "usr/lib/modules/6.12.118+deb13-amd64/modules.dep": false,
		"usr/lib/firmware/iwlwifi-cc-a0-59.ucode": true, "usr/lib/firmware/iwlwifi-cc-a0-77.ucode": false, "usr/lib/firmware/radeon/R600_me.bin": true,
		"usr/lib/firmware/i915/kbl_dmc_ver1_04.bin": false, "usr/lib/firmware/brcm/brcmfmac43455-sdio.bin": false, "usr/lib/firmware/brcm/brcmfmac4366c-pcie.bin": true,
		"usr/lib/firmware/amdgpu/renoir_rlc.bin": false, "usr/lib/firmware/amdgpu/polaris10_rlc.bin": true, "usr/lib/firmware/mediatek/mt7662u.bin": false,
	} {
		if got := dropped(at); got != want {
			t.Errorf("dropped(%s) = %v, want %v", at, got, want)
		}
	}
}

func TestCheckModules(t *testing.T) {
	for dep, want := range map[string]string{
		"kernel/drivers/net/ethernet/intel/igb/igb.ko.xz: kernel/drivers/dca/dca.ko.xz\nkernel/drivers/isdn/a.ko.xz:\n": "",
		"kernel/drivers/net/ethernet/intel/igb/igb.ko.xz: kernel/drivers/isdn/a.ko.xz\n":                                "a.ko.xz is left out, and a kiosk needs igb",
		"kernel/net/sunrpc/sunrpc.ko.xz: kernel/drivers/isdn/a.ko.xz\n":                                                 "",
		"kernel/drivers/isdn/usb-storage.ko.xz:\n":                                                                      "a kiosk needs usb-storage",
		"":         "no module",
		"nonsense": "want a module",
	} {
		err := CheckModules([]byte(dep))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("CheckModules(%q) = %v, want %q", dep, err, want)
		}
	}
}

// TestBoardsAgree wants an image to be what the board says that it is.
func TestBoardsAgree(t *testing.T) {
	for name, b := range boards {
		text, err := os.ReadFile(filepath.Join("../..", name, "board.json"))
		if err != nil {
			t.Fatal(err)
		}
		var said struct {
			Image struct {
				Architecture, Kernel, Loader string
				UBoot                        string `json:"u_boot"`
				Firmware                     []string
			}
		}
		if err := json.Unmarshal(text, &said); err != nil {
			t.Fatal(err)
		}
		names, err := b.Names()
		if err != nil {
			t.Fatal(err)
		}
		loader, err := b.LoaderNames()
		if err != nil {
			t.Fatal(err)
		}
		i := said.Image
		if i.Architecture != b.Arch || i.UBoot != b.UBoot || (i.Loader == "u-boot") != (b.Boot == UBoot) {
			t.Errorf("%s: board.json says %+v, the recipe %+v", name, i, b)
		}
		for _, f := range i.Firmware {
			if i.Kernel == "backports" != slices.Contains(names, "linux-image-arm64/"+Suite+"-backports") {
				t.Errorf("%s: board.json wants the kernel of %s", name, i.Kernel)
			}
			if !slices.Contains(names, f) && !slices.Contains(loader, f) {
				t.Errorf("%s: board.json wants %s, which the image has not", name, f)
			}
		}
	}
}
