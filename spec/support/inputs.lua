-- For bad_input_spec.lua: what is tried for each kind of parameter, and what may answer instead of raising an error, with the reason.

local guestlua = require("guestlua")

local inputs = {}

inputs.DOMAIN = "<domain type='test'><name>%s</name><memory>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>"

-- ---- what is tried ----

-- A value that fits, for a parameter's type.
inputs.VALID = {
  ["string"] = "vda",
  ["Element or XML text"] = "<disk/>",
  ["integer"] = 1,
  ["number"] = 1,
  ["boolean"] = true,
  ["bytes"] = "vda",
  ["list of integers"] = { 1 },
  ["StorageVol"] = "VOLUME",
  ["file or list of files"] = io.stdout,
  ["list of strings"] = { "vda" },
  ["integer or list of names"] = 0,
  ["function"] = function() end,
  ["table"] = {},
  ["string or table"] = "lifecycle",
  ["any"] = "vda",
}

-- Values that do not fit. nil fits where the parameter is not required, which has a case of its own.
local NAN = 0 / 0
inputs.WRONG = {
  ["string"] = { 1, true, {}, print, io.stdout },
  ["Element or XML text"] = { 1, true, {}, { name = "disk" }, print, io.stdout },
  ["integer"] = { "1", 1.5, NAN, math.huge, true, {} },
  ["number"] = { "1", -1, NAN, true, {} },
  ["boolean"] = { 0, 1, "yes", {} },
  ["string or table"] = { 1, true, print, io.stdout },
  ["bytes"] = { 1, true, {}, print },
  ["list of integers"] = { "1", 1, true, { "1" }, { -1 }, { 1.5 }, { cpu = 1 }, { [2] = 1 } },
  ["StorageVol"] = { 1, "x", true, {}, io.stdout },
  ["list of strings"] = { "vda", 1, true, { 1 }, { disk = "vda" }, { [2] = "vda" }, { "a\0b" } },
  ["integer or list of names"] = { "live", true, -1, 1.5, 2 ^ 32, { "nonesuch" }, { 1 }, { live = true } },
  ["function"] = { 1, "print", true, {} },
  ["table"] = { 1, "x", true, print },
  ["userdata"] = { 1, "x", true, {}, io.stdout, guestlua.element("a", {}) },
}

-- Parameters with a type that does not say what fits: the value that does, and ones that do not.
inputs.SPECIAL = {
  ["guestlua.open.uri"] = { "test:///default" },
  ["guestlua.isatty.file"] = { io.stdout, { 1, "x", {}, print } },
  ["guestlua.spawn.fn"] = { function() end, { 1, "x", {}, true } },
  ["guestlua.element.fields"] = { {}, { 1, "x", true, print } },
  ["Guest.create.xml"] = { inputs.DOMAIN:format("made"), { 1, true, {}, print, io.stdout, "<broken", "" } },
  ["Guest.create.host"] = { "HOST" },
  ["Guest.migrate_to.host"] = { "HOST" },
  ["Guest.get_interface_by_cfg.cfg"] = { "<interface type='bridge'/>", { 1, true, {}, print, io.stdout, "<disk/>", "<interface" } },
  ["Guest.subscribe.events"] = { "lifecycle", { "nonesuch" } },
  ["Host.subscribe.events"] = { "lifecycle", { "nonesuch" } },
  ["Guest.events.names"] = { { "lifecycle" }, { {}, { "nonesuch" }, { 1 }, { [2] = "lifecycle" }, { "lifecycle", timeout = "1" } } },
  ["Host.events.names"] = { { "lifecycle" }, { {}, { "nonesuch" }, { 1 }, { [2] = "lifecycle" }, { "lifecycle", within = 1 } } },
  ["Guest.on.names"] = { "lifecycle", { "nonesuch", { "lifecycle", "nonesuch" } } },
  ["Host.on.names"] = { "lifecycle", { "nonesuch", { "lifecycle", "nonesuch" } } },
  ["Guest.wait_event.names"] = { "lifecycle", { "nonesuch" } },
  ["Host.wait_event.names"] = { "lifecycle", { "nonesuch" } },
  ["Guest.get_all_devices.devtype"] = { "disk", { "nonesuch", "LibvirtConfigGuestNonesuch", "emulator" } },
  ["Guest.get_device_by_alias.devtype"] = { "disk", { "nonesuch" } },
  ["Guest.press.keys"] = { { "a" }, { {}, { "nonesuch" }, { 1.5 }, { print } } },
  ["Guest.exec.args"] = { {}, { { print }, { {} } } },
  ["Element.append.child"] = { "CHILD", { 1, true, print, io.stdout } },
}

-- ---- what may answer ----

-- Empty strings that mean something, or that libvirt is the judge of.
inputs.EMPTY = {
  ["guestlua.open.uri"] = "libvirt takes it for its default",
  ["guestlua.progress.label"] = "a line without a label",
  ["log.error.message"] = "the fields say it", ["log.warning.message"] = "the same", ["log.info.message"] = "the same",
  ["log.debug.message"] = "the same", ["log.trace.message"] = "the same",
  ["Guest.get_disk.device"] = "nil: no disk is called so",
  ["Guest.get_device_by_alias.devalias"] = "nil: no device is called so",
  ["Guest.get_interface_by_mac.mac"] = "nil, as the reference",
  ["Guest.exec.input"] = "nothing to read", ["Guest.write_file.text"] = "an empty file",
  ["Guest.set_user_password.user"] = "the guest knows its users",
  ["Guest.set_user_password.new_pass"] = "an empty password",
  ["Guest.set_metadata.key"] = "libvirt's matter",
  ["Guest.set_metadata.uri"] = "libvirt's matter",
  ["Guest.get_metadata.uri"] = "libvirt's matter",
  ["Guest.detach_device_with_retry.device"] = "the script's own word for the device",
  ["Host.network.name_or_uuid"] = "nil: none is called so", ["Host.pool.name_or_uuid"] = "the same", ["Host.node_device.name"] = "the same",
  ["Host.interface.name"] = "the same", ["Host.secret.uuid"] = "the same", ["Host.volume.path_or_key"] = "the same",
  ["StoragePool.volume.name"] = "the same",
  ["Host.guest.name_or_uuid"] = "nil: no guest is called so",
  ["Element.attribute.name"] = "nil: no attribute is called so",
  ["Element.child.name"] = "nil: no element is called so",
  ["Element.children.name"] = "none: no element is called so",
}

-- Strings that may have any byte in them.
inputs.BINARY = {
  ["Guest.exec.input"] = "what a program reads", ["Guest.write_file.text"] = "what a file has", ["guestlua.run.input"] = "the same",
  ["guestlua.progress.label"] = "what is no character is shown as a space",
  ["log.error.message"] = "it is escaped", ["log.warning.message"] = "the same", ["log.info.message"] = "the same",
  ["log.debug.message"] = "the same", ["log.trace.message"] = "the same",
}

-- Methods that are made of others: the error may name the inner one.
inputs.INNER = { ["Guest.exec"] = "agent_command", ["Guest.create"] = "write_instance_config",
  ["workflow.ensure_detached"] = "detach_with_retry" }

-- Methods that answer on a guest that is gone.
inputs.GONE = {
  ["Guest.get_block_device"] = "does not ask libvirt",
  ["Guest.get_vcpus_info"] = "asks when it is iterated",
  ["Guest.subscribe"] = "hears of events, were there any",
  ["Guest.events"] = "the same",
  ["Guest.on"] = "the same",
  ["Guest.sync_guest_time"] = "says false, and why",
  ["BlockDevice.job_events"] = "does not ask libvirt",
}
-- get_job_info would switch this process to libvirt's older call, for good, because of this driver; exact_calls_spec.lua has it. wait_event would
-- wait. close comes last.
inputs.NOT_HERE = { ["Guest.get_job_info"] = true, ["Guest.wait_event"] = true, ["Guest.close"] = true }

return inputs
