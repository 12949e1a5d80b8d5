package recipe

import "path"

// unusedFirmware reports whether f, a path below usr/lib/firmware, is left out.
func unusedFirmware(f string) bool {
	for ; f != "."; f = path.Dir(f) {
		for _, p := range droppedFirmware {
			if ok, _ := path.Match(p, f); ok {
				return true
			}
		}
	}
	return false
}

// droppedFirmware is what of usr/lib/firmware stays out of an image although its package is
// in: for machines that are no kiosks, and what the kernel of this Debian does not ask
// for because there is newer.
var droppedFirmware = []string{
	// What processors load is in the initramfs, before all else. No kiosk has Bluetooth.
	"intel-ucode", "amd-ucode", "intel/ibt-*", "rtl_bt", "mediatek/BT_*", "mediatek/mt7925/BT_*", "brcm/*.hcd",
	// AMD's cards; what is in the processor stays: without its files its screen is black.
	"amdgpu/aldebaran_*", "amdgpu/arcturus_*", "amdgpu/banks_*", "amdgpu/beige_goby_*", "amdgpu/bonaire_*", "amdgpu/cyan_skillfish2_*", "amdgpu/dimgrey_cavefish_*",
	"amdgpu/fiji_*", "amdgpu/hainan_*", "amdgpu/hawaii_*", "amdgpu/navi1*", "amdgpu/navy_flounder_*", "amdgpu/oland_*", "amdgpu/pitcairn_*", "amdgpu/polaris1*",
	"amdgpu/si58_*", "amdgpu/sienna_cichlid_*", "amdgpu/tahiti_*", "amdgpu/tonga_*", "amdgpu/topaz_*", "amdgpu/vega1*", "amdgpu/vega20_*", "amdgpu/vegam_*", "amdgpu/verde_*",
	"amdgpu/gc_9_4_*", "amdgpu/gc_11_0_0*", "amdgpu/gc_11_0_2*", "amdgpu/gc_11_0_3*", "amdgpu/gc_12_*", "amdgpu/dcn_3_2_*", "amdgpu/dcn_4_*",
	"amdgpu/psp_13_0_0_*", "amdgpu/psp_13_0_6_*", "amdgpu/psp_13_0_7_*", "amdgpu/psp_13_0_10_*", "amdgpu/psp_13_0_14_*", "amdgpu/psp_14_0_2_*", "amdgpu/psp_14_0_3_*",
	"amdgpu/sdma_4_4_*", "amdgpu/sdma_7_*", "amdgpu/smu_13_0_0*", "amdgpu/smu_13_0_6*", "amdgpu/smu_13_0_7*", "amdgpu/smu_13_0_10*", "amdgpu/smu_13_0_14*",
	"amdgpu/vcn_5_*", "amdgpu/isp_*", "amdnpu", "radeon", "r128",
	// Intel's cards, cameras and what the module xe would load, which is left out.
	"xe", "intel/ipu", "intel/vsc", "i915/dg1_*", "i915/dg2_*", "i915/bmg_*", "i915/*_guc_3[35].*", "i915/*_guc_69.*", "i915/tgl_huc_7.*",
	// Intel's Wi-Fi: the newest that 6.12 asks for stays.
	"iwlwifi-*-38.ucode", "iwlwifi-*-59.ucode", "iwlwifi-*-72.ucode", "iwlwifi-*-9[4-7].ucode", "iwlwifi-bz-b0-fm-c0-92.ucode",
	// MediaTek: routers and telephones.
	"mediatek/mt7622*", "mediatek/mt7668*", "mediatek/mt79[189]*", "mediatek/mt8*", "mediatek/sof", "mediatek/sof-tplg", "vpu_*",
	// Broadcom's radios that no Pi has.
	"brcm/brcmfmac43*-pcie*", "cypress/*-pcie*", "brcm/bcm43xx-0*", "brcm/bcm4329*",
}
