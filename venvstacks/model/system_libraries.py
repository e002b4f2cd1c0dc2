"""Libraries that every machine of a platform has, so that no layer need hold them.

Sources: PEP 600's policies for Linux; the DLLs of a Windows 10 without optional
features, as far as wheels use them; the folders that macOS keeps its own libraries in.
"""

from __future__ import annotations

from venvstacks.model.platforms import OperatingSystem

LINUX_LIBRARIES = frozenset({
    "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libanl.so.1", "libatomic.so.1", "libc.so.6", "libcrypt.so.1",
    "libcuda.so.1", "libdl.so.2", "libexpat.so.1", "libgcc_s.so.1", "libGL.so.1", "libglib-2.0.so.0",
    "libgobject-2.0.so.0", "libgthread-2.0.so.0", "libICE.so.6", "libm.so.6", "libmvec.so.1", "libnsl.so.1",
    "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libSM.so.6", "libstdc++.so.6", "libutil.so.1", "libX11.so.6",
    "libXext.so.6", "libXrender.so.1", "libz.so.1",
})  # fmt: skip
"""Libraries that wheels expect from the system: PEP 600's for manylinux_2_28, the dynamic linker, the GPU's driver."""

_WINDOWS_SETS = ("api-ms-win-", "ext-ms-win-")
_WINDOWS_NAMES = """
activeds advapi32 apphelp authz avicap32 avrt bcrypt bcryptprimitives cabinet cfgmgr32 clfsw32 combase comctl32
comdlg32 coremessaging credui crypt32 cryptbase cryptnet cryptsp cryptui d2d1 d3d10 d3d10_1 d3d11 d3d12 d3d9
d3dcompiler_47 dbgeng dbghelp dcomp ddraw devmgr dhcpcsvc dinput8 dnsapi dsound dwmapi dwrite dxcore dxgi dxva2
esent evr faultrep fltlib fwpuclnt gdi32 gdi32full gdiplus glu32 hid hlink httpapi imagehlp imm32 iphlpapi kernel32
kernelbase ksuser ktmw32 loadperf mapi32 mf mfplat mfreadwrite mfuuid mpr msacm32 mscoree msdmo msi msimg32 msimtf
mstask msvcp_win msvcrt msvfw32 mswsock ncrypt netapi32 netutils newdev normaliz ntdll ntdsapi nvcuda odbc32
odbccp32 ole32 oleacc oleaut32 oledlg opengl32 pdh powrprof propsys psapi rasapi32 resutils rpcrt4 rstrtmgr rtutils
samcli sas sechost secur32 setupapi sfc shcore shell32 shfolder shlwapi slc srvcli sspicli synchronization t2embed
tapi32 tbs tdh traffic twinapi ucrtbase uiautomationcore urlmon user32 userenv usp10 uxtheme vcruntime140_clr
version virtdisk vssapi webservices wer wevtapi win32u windows.storage windowscodecs winhttp wininet winmm winscard
wintrust winusb wkscli wlanapi wldap32 wldp ws2_32 wsock32 wtsapi32 xinput1_4 xinput9_1_0 xmllite
"""  # nvcuda is the GPU's driver
_WINDOWS = frozenset({*(f"{name}.dll" for name in _WINDOWS_NAMES.split()), "bthprops.cpl", "winspool.drv"})
_MACOS = ("/usr/lib/", "/System/Library/", "/System/iOSSupport/", "/System/Cryptexes/")


def is_system_library(name: str, system: OperatingSystem) -> bool:
    """Whether a library, as a compiled file names it, is part of the operating system."""
    if system == "linux":
        return name in LINUX_LIBRARIES
    if system == "macosx":
        return name.startswith(_MACOS)
    folded = name.lower()
    return folded in _WINDOWS or folded.startswith(_WINDOWS_SETS)
