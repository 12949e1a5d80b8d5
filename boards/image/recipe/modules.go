package recipe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// module returns where in the kernel's folder of modules a path of the root is:
// usr/lib/modules/VERSION/kernel/….
func module(at string) (string, bool) {
	rest, ok := strings.CutPrefix(at, "usr/lib/modules/")
	if !ok {
		return "", false
	}
	_, rest, ok = strings.Cut(rest, "/kernel/")
	return rest, ok
}

// droppedModule reports whether a module of the kernel is left out: m is its path.
func droppedModule(m string) bool {
	for _, p := range droppedModules {
		if m == p || strings.HasPrefix(m, p+"/") {
			return true
		}
	}
	for _, folder := range keptAlone {
		if rest, ok := strings.CutPrefix(m, folder.in+"/"); ok {
			first, _, below := strings.Cut(rest, "/")
			if below && !strings.Contains(folder.kept, " "+first+" ") {
				return true
			}
		}
	}
	return false
}

// CheckModules wants what a kiosk cannot be without to stay, with all that it needs.
// It takes the kernel's list of modules, modules.dep. What needs a module that is left
// out and is not among these cannot be loaded; nothing else asks for it.
func CheckModules(dep []byte) error {
	n := 0
	var faults []error
	for s := bufio.NewScanner(bytes.NewReader(dep)); s.Scan(); n++ {
		at, needs, ok := strings.Cut(s.Text(), ":")
		if !ok {
			return fmt.Errorf("recipe: modules.dep: got %q, want a module and what it needs", s.Text())
		}
		name, _, _ := strings.Cut(path.Base(at), ".")
		if !slices.Contains(neededModules, strings.ReplaceAll(name, "-", "_")) {
			continue
		}
		for m := range strings.FieldsSeq(at + " " + needs) {
			if droppedModule(strings.TrimPrefix(m, "kernel/")) {
				faults = append(faults, fmt.Errorf("recipe: %s is left out, and a kiosk needs %s", m, name))
			}
		}
	}
	if n == 0 {
		return errors.New("recipe: modules.dep has no module")
	}
	return errors.Join(faults...)
}

// neededModules are the kernel's for what kiosks are made of; a kernel may have any of
// them built in, or not be for a machine that could have it.
var neededModules = strings.Fields(`
	squashfs ext4 vfat exfat ntfs3 nls_utf8 dm_verity loop overlay nbd mmc_block sdhci_pci sdhci_iproc nvme ahci sd_mod sr_mod usb_storage uas
	xhci_pci ehci_pci ohci_pci dwc2 pcie_brcmstb
	usbhid hid_multitouch hid_generic hid_elo usbtouchscreen goodix_ts edt_ft5x06 i2c_hid_acpi uinput evdev
	ftdi_sio cp210x pl2303 ch341 cdc_acm usblp uvcvideo joydev
	r8169 e1000e igb igc tg3 atlantic alx genet lan78xx smsc95xx smsc75xx r8152 ax88179_178a asix cdc_ether cdc_ncm rndis_host
	cdc_mbim qmi_wwan option sierra huawei_cdc_ncm ppp_async
	mac80211 cfg80211 iwlwifi iwlmvm iwldvm rtw88_pci rtw88_usb rtw89_pci rtl8xxxu mt7921e mt7921u mt76x0u mt76x2u mt7601u rt2800usb ath9k ath9k_htc brcmfmac
	i915 amdgpu virtio_gpu vmwgfx bochs qxl vc4 v3d virtio_net virtio_blk virtio_scsi virtio_pci virtio_input
	snd_hda_intel snd_hda_codec_realtek snd_hda_codec_hdmi snd_usb_audio snd_soc_hdmi_codec snd_bcm2835
	gpio_raspberrypi_exp raspberrypi_hwmon i2c_bcm2835 spi_bcm2835 spidev i2c_dev rtc_ds1307 pwm_bcm2835 pwm_bl backlight
	iTCO_wdt i6300esb sp5100_tco bcm2835_wdt softdog tpm_tis tpm_crb coretemp
	nf_tables nft_ct nf_conntrack wireguard
`)

// droppedModules are modules for what no kiosk has: other buses, television,
// servers' disks and file systems. They are compressed in the package already, so
// each is as large in the image.
var droppedModules = []string{
	"drivers/atm", "drivers/bluetooth", "drivers/comedi", "drivers/infiniband", "drivers/isdn", "drivers/mtd", "drivers/ntb", "drivers/target",
	"drivers/fpga", "drivers/firewire", "drivers/thunderbolt", "drivers/parport", "drivers/memstick", "drivers/accel", "drivers/greybus",
	"drivers/media/dvb-core", "drivers/media/dvb-frontends", "drivers/media/firewire", "drivers/media/mmc", "drivers/media/pci",
	"drivers/media/radio", "drivers/media/tuners", "drivers/staging/media",
	"drivers/gpu/drm/nouveau", "drivers/gpu/drm/radeon", "drivers/gpu/drm/xe",
	"drivers/net/arcnet", "drivers/net/can", "drivers/net/fddi", "drivers/net/hamradio", "drivers/net/ieee802154", "drivers/net/plip", "drivers/net/thunderbolt",
	"drivers/net/wan", "drivers/block/drbd", "drivers/block/rbd.ko.xz", "drivers/block/rnbd",
	"fs/9p", "fs/adfs", "fs/affs", "fs/afs", "fs/bcachefs", "fs/befs", "fs/btrfs", "fs/ceph", "fs/coda", "fs/dlm", "fs/ecryptfs", "fs/f2fs", "fs/freevxfs", "fs/gfs2",
	"fs/hfs", "fs/hfsplus", "fs/hpfs", "fs/jffs2", "fs/jfs", "fs/minix", "fs/netfs", "fs/nfs", "fs/nfs_common", "fs/nfsd", "fs/nilfs2", "fs/ocfs2", "fs/omfs", "fs/orangefs", "fs/qnx4",
	"fs/qnx6", "fs/smb", "fs/sysv", "fs/ubifs", "fs/udf", "fs/ufs", "fs/vboxsf", "fs/xfs", "fs/zonefs",
	"net/9p", "net/appletalk", "net/atm", "net/ax25", "net/batman-adv", "net/bluetooth", "net/can", "net/ceph", "net/dccp", "net/ieee802154", "net/ife", "net/lapb", "net/mac802154",
	"net/mpls", "net/mptcp", "net/netrom", "net/openvswitch", "net/phonet", "net/rds", "net/rose", "net/rxrpc", "net/sctp", "net/smc", "net/sunrpc", "net/tipc", "net/x25",
	"sound/firewire", "sound/isa", "sound/pcmcia", "samples", "arch/x86/kvm", "virt",
}

// keptAlone are folders of which only some folders stay.
var keptAlone = []struct{ in, kept string }{
	// Of disks only what is everywhere; the adapters are servers'.
	{"drivers/scsi", " device_handler ufs "},
	// Of Ethernet what sits on the boards of small machines.
	{"drivers/net/ethernet", " amazon amd aquantia atheros broadcom cadence google intel marvell microchip micrel microsoft realtek stmicro smsc via wangxun "},
	// Of Wi-Fi what Debian has firmware of in an image, or what needs none.
	{"drivers/net/wireless", " ath broadcom intel mediatek ralink realtek virtual "},
	{"drivers/net/wireless/ath", " ath9k "},
	{"drivers/media/usb", " uvc "},
}
