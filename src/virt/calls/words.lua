-- What arguments, options and typed parameters are, in our own words: by their name, or by libvirt's constant.

local words = {}

-- By the name of the argument; "virFunction.name" for one that means something else there.
words.arguments = {
  xml = "an Element or XML text", xml_desc = "an Element or XML text", xmldesc = "an Element or XML text", dxml = "the configuration to use instead",
  domain_xml = "the guest's configuration", backup_xml = "a <domainbackup> element", checkpoint_xml = "a <domaincheckpoint> element",
  destxml = "where to: a <disk> element", xml_cpu = "a <cpu> element", xml_cpus = "<cpu> elements, as XML texts",
  name = "its name", uuidstr = "its UUID", id = "its number", new_name = "the new name", path = "its path", key = "its key",
  ["virDomainSetMetadata.key"] = "the prefix of the element's name", ["virNetworkSetMetadata.key"] = "the prefix of the element's name",
  ["virDomainSetMetadata.uri"] = "the element's namespace", ["virNetworkSetMetadata.uri"] = "the element's namespace",
  uri = "the element's namespace",
  metadata = "the title, the description, or the element; nil removes it", type = "which of them", action = "what happens then",
  ["virConnectGetMaxVcpus.type"] = "of which kind of guests, as \"kvm\"; nil: the driver's own",
  ["virConnectFindStoragePoolSources.type"] = "the type of pool, as \"logical\"", src_spec = "where to look: a <source> element as XML text",
  arch = "the architecture, as \"x86_64\"", emulator = "the path of the emulator", emulatorbin = "the path of the emulator; nil: libvirt's choice",
  machine = "the machine type, as \"q35\"", virttype = "the kind of virtualization, as \"kvm\"", native_format = "the format, as \"qemu-argv\"",
  native_config = "the configuration in that format", file = "the file on the host", from = "the file on the host",
  to = "the file on the host to write",
  dumpformat = "how the file is written", target = "what kind of sleep", duration = "seconds; 0: until it is woken", seconds = "seconds",
  ["virDomainSetTime.seconds"] = "seconds since 1970", nseconds = "nanoseconds more", params = "a table from name to value",
  portdev = "the port's device on the host, as \"vnet0\"", macstr = "the MAC address", wwnn = "the world wide node name",
  wwpn = "the world wide port name",
  usage_type = "what kind of thing it is for", usage_id = "what it is for", pid_value = "the number of the process",
  autostart = "whether it does", command = "what to do with the part", section = "which part", parent_index = "in which of several; -1: any",
  driver_name = "the driver that the guest's hypervisor uses; nil: its own", capacity = "bytes", algorithm = "how it is overwritten",
  memory = "KiB", period = "seconds; 0: never", nvcpus = "how many", vcpumap = "which, as \"0-3,^2\"", cpumap = "which, as \"0-3,^2\"",
  state = "whether they are used", iothread_id = "the thread's number", disk = "the disk's target, as \"vda\"", base = "the image to end at",
  top = "the image to begin at", bandwidth = "MiB/s; 0: no limit", size = "KiB; with the option bytes: bytes",
  dev = "the disk, as \"vda\" or \"vda[2]\"",
  threshold = "bytes", group = "the name of the group", device = "the interface's name on the host, as \"vnet0\", or its MAC address",
  mountpoints = "where the file systems are mounted; nil: all", mount_point = "where the file system is mounted; nil: all",
  minimum = "the smallest hole that is given back, in bytes", user = "the user", password = "the new password", keys = "the keys, a text each",
  alias = "the device's alias", signum = "the signal", cache_size = "bytes", downtime = "milliseconds", cmd = "the command, in JSON",
  types = "what to ask for",
}

-- Enumerations that calls need which are written by hand; "bits": of a set of them.
words.enums = { "virDomainStatsTypes bits", "virKeycodeSet", "virDomainMemoryStatTags", "virDomainInterfaceAddressesSource", "virIPAddrType" }

-- By the constant.
words.flags = {
  VIR_DOMAIN_AFFECT_LIVE = "the running guest", VIR_DOMAIN_AFFECT_CONFIG = "its configuration, from the next start on",
  VIR_DOMAIN_AFFECT_CURRENT = "the running guest, or its configuration if it does not run: what nothing is said means",
  VIR_DOMAIN_MEM_LIVE = "the running guest", VIR_DOMAIN_MEM_CONFIG = "its configuration, from the next start on",
  VIR_DOMAIN_MEM_MAXIMUM = "the most that it can have", VIR_DOMAIN_VCPU_LIVE = "the running guest",
  VIR_DOMAIN_VCPU_CONFIG = "its configuration, from the next start on", VIR_DOMAIN_VCPU_MAXIMUM = "the most that it can have",
  VIR_DOMAIN_VCPU_GUEST = "what the guest's own system uses, by its agent", VIR_DOMAIN_DEVICE_MODIFY_LIVE = "the running guest",
  VIR_DOMAIN_DEVICE_MODIFY_CONFIG = "its configuration, from the next start on",
  VIR_DOMAIN_DEVICE_MODIFY_FORCE = "even if the guest does not agree", VIR_DOMAIN_XML_SECURE = "with passwords in it",
  VIR_DOMAIN_XML_INACTIVE = "what it is at its next start", VIR_DOMAIN_REBOOT_GUEST_AGENT = "ask its agent",
  VIR_DOMAIN_REBOOT_ACPI_POWER_BTN = "press its power button", VIR_DOMAIN_SHUTDOWN_GUEST_AGENT = "ask its agent",
  VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN = "press its power button", VIR_DOMAIN_START_PAUSED = "leave its processors paused",
  VIR_DOMAIN_START_AUTODESTROY = "it ends with this connection", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING = "it runs afterwards",
  VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED = "it is paused afterwards", VIR_DOMAIN_SNAPSHOT_REVERT_FORCE = "even if that may lose more than is said",
  VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM = "reset the UEFI variables",
  VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN = "with all that were taken after it",
  VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY = "forget it; what it saved stays",
  VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY = "only those that were taken after it",
  VIR_STORAGE_VOL_RESIZE_ALLOCATE = "take the room at once", VIR_STORAGE_VOL_RESIZE_DELTA = "so much more, or less with shrink",
  VIR_STORAGE_VOL_RESIZE_SHRINK = "make it smaller: what is behind is lost",
  VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA = "make the tables of the whole image at once",
  VIR_STORAGE_VOL_CREATE_REFLINK = "share the blocks, on file systems that can",
  VIR_STORAGE_POOL_CREATE_WITH_BUILD = "build it first", VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE = "build it first, over what is there",
  VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE = "build it first, if nothing is there",
  VIR_STORAGE_POOL_BUILD_OVERWRITE = "over what is there", VIR_STORAGE_POOL_BUILD_NO_OVERWRITE = "if nothing is there",
}

-- Types of typed parameters where libvirt's description does not say them.
words.types = {
  VIR_DOMAIN_BLOCK_COPY_BANDWIDTH = "ULLONG", VIR_DOMAIN_IOTHREAD_POLL_GROW = "UINT", VIR_DOMAIN_IOTHREAD_POLL_MAX_NS = "ULLONG",
  VIR_DOMAIN_IOTHREAD_POLL_SHRINK = "UINT", VIR_DOMAIN_SAVE_PARAM_DXML = "STRING", VIR_DOMAIN_SAVE_PARAM_FILE = "STRING",
  VIR_DOMAIN_SAVE_PARAM_IMAGE_FORMAT = "STRING", VIR_DOMAIN_SAVE_PARAM_PARALLEL_CHANNELS = "INT",
  VIR_NODE_MEMORY_SHARED_MERGE_ACROSS_NODES = "UINT", VIR_NODE_MEMORY_SHARED_PAGES_TO_SCAN = "UINT",
  VIR_NODE_MEMORY_SHARED_SLEEP_MILLISECS = "UINT", ["VIR_PERF_PARAM_*"] = "BOOLEAN", ["VIR_NODE_MEMORY_SHARED_*"] = "ULLONG",
}

-- Enumerations of the fields of structs.
words.fields = {
  ["virDomainInfo.state"] = "virDomainState", ["virStoragePoolInfo.state"] = "virStoragePoolState", ["virStorageVolInfo.type"] = "virStorageVolType",
  ["virDomainJobInfo.type"] = "virDomainJobType", ["virDomainControlInfo.state"] = "virDomainControlState",
  ["virDomainBlockJobInfo.type"] = "virDomainBlockJobType",
}

return words
