-- Examples of the methods that no command of virsh stands for, or that it does not call: for help() and doc/reference, as those of virsh.lua.
-- spec/project/lines_spec.lua says where each section runs.
--
--   a section     its title, what its lines begin with, and its examples: a line, or some of them
--
-- Besides what its section begins with an example can use `xml`, XML text or an Element, `uuid`, and `socket`, an
-- open file.

return {
  { "Connections", [[
local host = guestlua.open()
local guest = host:guest("web1")]],
    [[local host <close> = guestlua.open("qemu+ssh://root@node7/system", { readonly = true })]],
    "print(host:get_type(), host:is_alive(), host:is_secure(), host:is_encrypted())",
    "if not host:is_alive() then host:reconnect() end",
    [[for _, one in ipairs(host:get_all_domain_stats{ running = true, types = { "state" } }) do
  print(one.guest.name, one.stats["state.reason"])
end]],
    "for _, guest in ipairs(host:list_all_domains{ running = true, persistent = true }) do print(guest.name, guest.id) end",
    [[local guest <close> = host:lookup_by_name("web1")]],
    "local guest = host:lookup_by_id(guest.id)",
    "local guest = host:lookup_by_uuid_string(guest.uuid)",
    [[for _, run in ipairs(guestlua.recover(host, { guest = "web1" })) do print(run.workflow, run.guest, run.outcome or run.problem) end]],
  },
  { "Identity, security, rates", "local host = guestlua.open()",
    "print(host:get_security_model().model)",
    [[local before = host:stats{ groups = "cpu" }; guestlua.sleep(1)
local rates = guestlua.rates(before, host:stats{ groups = "cpu" }).web1
print(rates and rates.cpu.time / 1e9) -- how many processors were busy; nil: it was not there before]],
    [[host:set_identity{ ["user-name"] = "backup", ["process-id"] = 4711 }]],
  },
  { "Networks and interfaces", [[
local host = guestlua.open()
local network = host:network("default")]],
    [[local network <close> = host:network_lookup_by_name("default")]],
    "local network = host:network_lookup_by_uuid_string(uuid)",
    "for _, network in ipairs(host:list_all_networks{ active = true }) do print(network.name, network:is_persistent()) end",
    [[local interface <close> = host:interface_lookup_by_name("eth1")]],
    "for _, interface in ipairs(host:list_all_interfaces()) do print(interface.name, interface:is_active()) end",
  },
  { "Ports, leases, filters", [[
local host = guestlua.open()
local network = host:network("default")
local port = network:port_lookup_by_uuid_string(uuid)]],
    [[for _, lease in ipairs(network:get_dhcp_leases("52:54:00:00:00:01")) do print(lease.ipaddr, lease.expirytime) end]],
    "for _, port in ipairs(network:list_all_ports()) do print(port:get_xml_desc()) end",
    "local port <close> = network:port_lookup_by_uuid_string(uuid)",
    [[print(port:get_parameters()["inbound.average"])]],
    [[port:set_parameters{ ["inbound.average"] = 1000, ["outbound.average"] = 500 } -- KiB/s]],
    [[local pool = host:storage_pool_lookup_by_target_path("/images")]],
    "for _, filter in ipairs(host:list_all_nwfilters()) do print(filter.name) end",
    [[local filter <close> = host:nwfilter("clean-traffic", { required = true })]],
    [[local filter = host:nwfilter_lookup_by_name("clean-traffic")]],
    "local filter = host:nwfilter_lookup_by_uuid_string(uuid)",
    "for _, binding in ipairs(host:list_all_nwfilter_bindings()) do print(binding.name, binding:get_filter_name()) end",
    [[local binding <close> = host:nwfilter_binding_lookup_by_port_dev("vnet0")]],
  },
  { "Storage", [[
local host = guestlua.open()
local pool = host:pool("images")]],
    [[local pool <close> = host:storage_pool_lookup_by_name("images")]],
    "local pool = host:storage_pool_lookup_by_uuid_string(uuid)",
    [[for _, pool in ipairs(host:list_all_storage_pools{ active = true, dir = true }) do
  print(pool.name, pool:is_persistent(), pool:get_autostart())
end]],
    "for _, volume in ipairs(pool:list_all_volumes()) do print(volume.name, volume:get_path()) end",
    [[local users = host:image_users{ "/var/tmp/images/web1.qcow2" }; print(#users["/var/tmp/images/web1.qcow2"])]],
    [[local volume <close> = pool:volume("web1.qcow2")]],
    [[local volume = pool:storage_vol_lookup_by_name("web1.qcow2")]],
    [[local volume = host:storage_vol_lookup_by_path("/var/tmp/images/web1.qcow2"); print(volume:storage_pool_lookup_by_volume().name)]],
    [[local volume = host:storage_vol_lookup_by_key("/var/tmp/images/web1.qcow2")]],
  },
  { "Devices of the host", [[
local host = guestlua.open()
local device = host:node_device("computer")]],
    [[local device <close> = host:node_device("pci_0000_00_1f_0", { required = true })]],
    [[local device = host:node_device_lookup_by_name("pci_0000_00_1f_0")]],
    "for _, device in ipairs(host:list_all_node_devices{ cap_net = true }) do print(device.name) end",
  },
  { "Mediated devices, secrets", [[
local host = guestlua.open()
local device = host:node_device("mdev_4b20d080_1b54_4048_85b3_a6a62d165c01")
local secret = host:secret(uuid)]],
    [[local device = host:node_device_lookup_scsi_host_by_wwn("2000000012341234", "1000000012341234")]],
    "if device:is_persistent() and not device:get_autostart() then device:set_autostart(true) end",
    "local secret <close> = host:secret(uuid, { required = true })",
    "local secret = host:secret_lookup_by_uuid_string(uuid)",
    [[local secret = host:secret_lookup_by_usage("ceph", "client.libvirt")]],
    "for _, secret in ipairs(host:list_all_secrets{ no_private = true }) do print(secret.uuid, secret:get_usage_id()) end",
  },
  { "Events", [[
local host = guestlua.open()
local guest = host:guest("web1")
local network = host:network("default")
local pool = host:pool("images")]],
    [[local events <close> = host:subscribe{ "lifecycle", "reboot" }
guest:pause()
print(events:next(60).type) -- next gives nil if there is none for a minute]],
    [[local events <close> = guest:subscribe("lifecycle"); guest:shutdown(); print(events:next(60).type)]],
    [[host:wait_event("lifecycle", { match = function(event) return event.guest == "web1" end, timeout = 300 })]],
    [[for event in guest:events("lifecycle", { timeout = 600 }) do
  print(event.type)
  if event.type == "stopped" then break end
end]],
    [[local handler = guest:on("lifecycle", function(event) guestlua.log.info("lifecycle", { guest = event.guest, type = event.type }) end)
guestlua.serve{ timeout = 3600 } -- the script stays for it
handler:close()]],
    [[local events <close> = network:subscribe("network_lifecycle"); network:destroy(); print(events:next(10).type)]],
    [[network:wait_event("network_lifecycle", { match = function(event) return event.type == "started" end, timeout = 60 })]],
    [[for event in network:events("network_lifecycle", { timeout = 60 }) do
  print(event.object, event.type)
  if event.type == "stopped" then break end
end]],
    [[local events <close> = pool:subscribe{ "storage_pool_lifecycle", "storage_pool_refresh" }; pool:refresh(); print(events:next(10).event)]],
    [[pool:wait_event("storage_pool_refresh", { timeout = 600 })]],
    [[for event in pool:events("storage_pool_lifecycle", { timeout = 60 }) do
  print(event.object, event.type)
  if event.type == "stopped" then break end
end]],
  },
  { "Events of devices", [[
local host = guestlua.open()
local device = host:node_device("pci_0000_00_1f_0")]],
    [[local events <close> = device:subscribe("node_device_update")
print(events:next(1)) -- nil: none within a second]],
    [[device:on("node_device_lifecycle", function(event) print(event.object, event.type) end, { timeout = 3600 })]],
    [[device:wait_event("node_device_lifecycle", { match = function(event) return event.type == "deleted" end, timeout = 60 })]],
    [[for event in device:events({ "node_device_lifecycle", "node_device_update" }, { timeout = 60 }) do print(event.event, event.type) end]],
  },
  { "Events of secrets", [[
local host = guestlua.open()
local secret = host:secret(uuid)]],
    [[local events <close> = secret:subscribe("secret_value_changed"); secret:set_value("another"); print(events:next(10).uuid)]],
    [[secret:on("secret_value_changed", function(event) print(event.uuid, "has another value") end)]],
    [[secret:wait_event("secret_value_changed", { timeout = 60 })]],
    [[for event in secret:events({ "secret_lifecycle", "secret_value_changed" }, { timeout = 60 }) do print(event.uuid, event.event) end]],
  },
  { "Guests", [[
local host = guestlua.open()
local guest = host:guest("web1")
local disk = guest:get_block_device("vda")
local snapshot = guest:snapshot_lookup_by_name("before")]],
    "local guest <close> = guestlua.Guest.create(xml, host, { validate = true })",
    "local info = guest.domain:get_info(); print(info.state, info.memory // 1024, info.nr_virt_cpu)",
    "print(guest:is_active(), guest:has_persistent_configuration(), guest.domain:is_updated())",
    "print(guest.domain:is_active(), guest.domain:is_persistent())",
    "if guest:get_power_state() == guestlua.power_state.PAUSED then guest:resume() end",
    "print(guest:get_max_vcpus(), guest:get_max_memory() // 1024, guest:get_os_type(), (guest:get_scheduler_type()))",
    "for _, text in ipairs(guest:get_messages{ tainting = true }) do print(text) end",
    [[print(guest:get_stats{ types = { "state", "cpu_total" } }["state.state"])]],
    "local xml = guest.domain:get_xml_desc{ inactive = true, secure = true }",
    "for vcpu in guest:get_vcpus_info() do print(vcpu.id, vcpu.cpu, vcpu.time) end",
    "if guest:has_managed_save_image() then guest:managed_save_remove() end",
    "local paused <close> = guest:paused() -- until the end of the scope",
    "guest.domain:suspend(); guest.domain:resume()",
    "guest.domain:managed_save{ bypass_cache = true }",
    "guest.domain:destroy(); guest.domain:create()",
    "guest.domain:destroy(); guest.domain:undefine{ managed_save = true, snapshots_metadata = true }",
    [[local disk = guest:get_block_device("vda"); local requests, bytes = disk:blockStats()]],
    [[print(guest.domain:block_stats("vda").rd_bytes)]],
    [[print(guest.domain:get_block_info("vda").allocation)]],
    [[local nic = guest:get_interface_by_cfg("<interface type='network'><mac address='52:54:00:00:00:01'/></interface>")]],
    [[local data = guest:get_device_by_alias("ua-data", { devtype = "disk" })]],
    "if guest:has_current_snapshot() then print(guest:snapshot_current().name) end",
    "for _, snapshot in ipairs(guest:list_all_snapshots{ roots = true }) do print(snapshot.name, snapshot:has_metadata()) end",
    [[print(table.concat(guest:get_snapshot_names{ leaves = true }, ", "))]],
    "for _, xml in ipairs(guest:get_snapshot_descriptions()) do print(guestlua.element(xml).name) end",
    [[local snapshot <close> = guest:snapshot_lookup_by_name("before")]],
    "for _, later in ipairs(snapshot:children{ descendants = true }) do print(later.name) end",
    "for _, leaf in ipairs(snapshot:list_all_children{ descendants = true, leaves = true }) do print(leaf.name) end",
  },
  { "Calls that a guest on QEMU answers", [[
local host = guestlua.open()
local guest = host:guest("web1")
local disk = guest:get_block_device("vda")]],
    "guest.domain:shutdown{ acpi_power_btn = true }",
    [[guest:save_params({ file = "/var/tmp/web1.save" }, { paused = true })
guest = host:restore_params({ file = "/var/tmp/web1.save" }, { running = true })]],
    [[guest:snapshot(guestlua.element("domainsnapshot", { name = { "before-update" } }), { disk_only = true, quiesce = true })]],
    [[guest.domain:attach_device(guestlua.device.disk{ type = "file", device = "disk", source = { file = "/images/data.raw" },
  target = { dev = "vdb", bus = "virtio" } }, { live = true, config = true })]],
    [[guest.domain:detach_device(guest:get_disk("vda"), { live = true, config = true })]],
    [[local attached <close> = guest:attached("<disk type='file'><source file='/images/tools.raw'/><target dev='vdc' bus='virtio'/></disk>",
  { live = true })]],
    "local attached = guest:attached(xml, { live = true }); attached:keep() -- the scope's end leaves it with the guest",
    [[local released = guest:detach_device_with_retry(function(dev) return guest:get_disk(dev) end, "vda", true, true, { max_retry_count = 3 })
released()]],
    [[guest.domain:block_commit("vda", nil, nil, 100, { active = true, shallow = true })]],
    [[guest.domain:block_copy("vda", "<disk type='file'><source file='/images/copy.qcow2'/><driver type='qcow2'/></disk>", { bandwidth = 100 << 20 },
  { shallow = true, transient_job = true })]],
    [[guest.domain:block_rebase("vda", nil, 100)]],
    [[guest.domain:block_resize("vda", 20 << 30, { bytes = true })]],
    [[local job = guest.domain:get_block_job_info("vda", { bandwidth_bytes = true }); print(job.cur, job["end"])]],
    [[guest.domain:block_job_abort("vda", { pivot = true })]],
    "local job = disk:job_events(); print(job and job:next(60))",
    "while disk:wait_for_job{ wait_for_job_clean = true } do guestlua.sleep(1) end",
    "if disk:is_job_complete() then print(disk:get_job_info()) end",
    [[local bar <close> = guestlua.progress("commit vda")
disk:await_job{ on_progress = bar:callback() }]],
    "print(guest.domain:get_job_info().data_remaining)",
    [[print(guest:get_job_stats{ completed = true }["memory_bps"])]],
    "guest.domain:abort_job{ postcopy = true }",
  },
  { "What the guest's agent, memory and monitor answer", [[
local host = guestlua.open()
local guest = host:guest("web1")]],
    "guest.domain:agent_set_response_timeout(10)",
    [[guest.domain:fs_freeze{ "/var" }; guest.domain:fs_thaw()]],
    [[for _, mounted in ipairs(guest:get_fs_info()) do print(mounted.mountpoint, mounted.fstype, table.concat(mounted.dev_alias, " ")) end]],
    [[print(guest.domain:get_guest_info{ "os", "hostname" }["os.pretty-name"])]],
    "guest:set_time(os.time())",
    [[guest.domain:set_user_password("root", "$6$salt$hash", { encrypted = true })]],
    [[local text, more = guest:read_file("/etc/os-release", { max_size = 4096 })]],
    [[guest:write_file("/etc/motd", "Maintenance on Sunday.\n")]],
    "guest:set_memory_stats_period(5, { live = true, config = true })",
    "guest.domain:pin_vcpu(0, { 0, 1 }, { live = true, config = true })",
    [[guest:core_dump_with_format("/var/tmp/web1.core", "kdump_zlib", { memory_only = true, live = true })]],
    [[local boot_sector = guest:block_peek("vda", 0, 512) -- of a raw image]],
    "local bytes = guest:memory_peek(0xb8000, 4000, { physical = true })",
    "print(guest:get_security_label().label)",
    "for _, one in ipairs(guest:get_security_label_list()) do print(one.label, one.enforcing == 1) end",
    "guest.domain:inject_nmi()",
    "guest.domain:pm_wakeup()",
    "guest:announce_self()",
    "guest:enable_hairpin()",
    [[local reply, files = guest:qemu_monitor_command_with_files('{ "execute": "query-status" }')]],
    "local socket <close> = guest:open_graphics_fd(0, { skip_auth = true })",
    "guest:open_graphics(socket, 0, { skip_auth = true }) -- one end of a pair of sockets",
    [[guest:create_with_files({ assert(io.open("/var/tmp/setup")) }, { paused = true })]],
    [[local guest = host:create_xml_with_files(xml, { assert(io.open("/var/tmp/setup")) }, { autodestroy = true })]],
  },
  { "Checkpoints, backups, migration", [[
local host = guestlua.open()
local guest = host:guest("web1")
local checkpoint = guest:checkpoint_lookup_by_name("monday")]],
    [[guest:create_checkpoint("<domaincheckpoint><name>tuesday</name></domaincheckpoint>")]],
    [[guest:delete_checkpoint("monday", { metadata_only = true })]],
    [[print(guest:get_checkpoint_xml("monday", { no_domain = true, size = true }))]],
    [[print(table.concat(guest:get_checkpoint_names(), ", "))]],
    [[local checkpoint <close> = guest:checkpoint_lookup_by_name("monday")]],
    "for _, checkpoint in ipairs(guest:list_all_checkpoints{ topological = true }) do print(checkpoint.name) end",
    "for _, later in ipairs(checkpoint:children{ leaves = true }) do print(later.name) end",
    "for _, later in ipairs(checkpoint:list_all_children{ descendants = true }) do print(later.name) end",
    [[guest.domain:backup_begin("<domainbackup><disks><disk name='vda' type='file'><target file='/backup/web1.qcow2'/></disk></disks></domainbackup>",
  "<domaincheckpoint><name>tuesday</name></domaincheckpoint>")
print(guest.domain:backup_get_xml_desc())]],
    "guest:migrate_configure_max_downtime(500)",
    "guest:migrate_start_postcopy()",
    [[local there = guest:migrate_to(guestlua.open("qemu+ssh://node8/system"), { flags = { "live" }, bandwidth = 100 })]],
  },
  { "Consoles and channels", [[
local host = guestlua.open()
local guest = host:guest("web1")]],
    [[local console <close> = guest:console{ force = true }
console:write("\n")
console:expect("login: ", { timeout = 60, plain = true })
console:write("root\n")]],
    [[local console <close> = guest:console()
for line in console:lines{ timeout = 600 } do
  if line:find("Kernel panic", 1, true) then guest:reset() end
end]],
    [[local channel <close> = guest:channel("org.example.agent.0")
local bytes = channel:read(4096, { timeout = 5 })
if bytes and not bytes:find("\n") then channel:unread(bytes) end -- not yet a line]],
  },
  { "Tasks", "",
    [[local task = guestlua.spawn(function(seconds) guestlua.sleep(seconds) return "done" end, 0.1); print(task:wait{ timeout = 5 })]],
    [[local task = guestlua.spawn(guestlua.sleep, 3600)
if task:status() == "running" then task:cancel() end]],
    [[local lengths = guestlua.map({ "web1", "web2" }, function(name) return #name end, { limit = 8 })]],
    [[local group <close> = guestlua.group{ limit = 4 }
for _, name in ipairs{ "web1", "web2" } do
  group:spawn(function() print(name) end)
end
group:wait()]],
    "local group <close> = guestlua.group(); group:spawn(guestlua.sleep, 3600); group:cancel()",
    [[local ready = guestlua.signal(); guestlua.spawn(function() guestlua.sleep(0.1); ready:wake() end)
if not ready:wait{ timeout = 10 } then error("nobody is ready") end]],
    [[local ok, e = pcall(function() return guestlua.timeout(0.1, guestlua.sleep, 60) end)
if not ok and guestlua.Error.is(e, "timeout") then print(e) end]],
    [[error(guestlua.Error.new{ kind = "not_ready", message = "the shop does not answer", guest = "web1" })]],
    [[print(guestlua.json({ guest = "web1", addresses = { "192.0.2.7" } }))]],
    "local began = guestlua.now(); guestlua.sleep(0.1); print(guestlua.now() - began)",
    [[local code, output, errors = guestlua.run("uname", { args = { "-r" }, timeout = 10, env = { LANG = "C" } })]],
    "guestlua.serve{ timeout = 1 } -- or until no handler of on() is left",
    "local left = guestlua.alive(); print(left.tasks, left.hosts, left.guests)",
  },
  { "What a script says", "",
    [[guestlua.log.configure{ level = "debug", file = "/var/tmp/work.log" }]],
    [[guestlua.log.info("backup done", { guest = "web1", bytes = 1 << 30 })]],
    [[guestlua.log.warning("slow disk", { guest = "web1", disk = "vda" })]],
    [[guestlua.log.error("backup failed", { guest = "web1" })]],
    [[guestlua.log.debug("next try", { attempt = 2 })]],
    [[guestlua.log.trace("answer", { bytes = 4096 })]],
    [[local bar <close> = guestlua.progress("upload", { total = 3 << 20 })
for at = 0, 3 do bar:update(at << 20) end
bar:done()]],
    "if not guestlua.isatty(io.stderr) then guestlua.Progress.configure{ quiet = true } end",
    [[print(guestlua.journal{ dir = "/var/tmp/journal" })]],
    [[if not guestlua.dry_run() then print("this is no dry run") end]],
    "for _, change in ipairs(guestlua.plan()) do print(change.call, change.guest) end",
  },
  { "Hosts in this process", "",
    [[local host <close> = guestlua.embedded("/var/tmp/embed")]],
    [[local host <close> = guestlua.open(guestlua.embedded_uri("/var/tmp/embed"), { reconnect = true })]],
  },
  { "XML", [[
local devices = guestlua.element("<devices><interface type='network'><source network='default'/></interface></devices>")
local nic = devices.interface]],
    [[for _, nic in ipairs(devices:children("interface")) do print(nic:tag(), nic:attribute("type")) end]],
    "for name, value in pairs(nic:attributes()) do print(name, value) end",
    [[local source = nic:child("source"); print(source.network)]],
    [[local cd = devices:append(guestlua.device.disk{ type = "file", device = "cdrom", target = { dev = "sda", bus = "sata" } }); cd:remove()]],
    "print(devices:pretty())",
    "nic:validate()",
  },
  { "Fleets", [[
local fleet <close> = guestlua.fleet{ { name = "node1", uri = "qemu+ssh://node1/system" }, { name = "node2", uri = "qemu+ssh://node2/system" } }]],
    [[local fleet <close> = guestlua.fleet("/etc/guestlua/hosts", { readonly = true, connect_timeout = 10 })]],
    "if fleet:connect() > 0 then for _, problem in ipairs(fleet.problems) do print(problem.name, problem.error) end end",
    "for _, one in ipairs(fleet:each(function(host) return host.hostname end, { limit = 8 })) do print(one.host, one.ok, one.value) end",
    [[local guest, node = fleet:guest("web1"); print(guest, node)]],
    "local guests, missing = fleet:guests{ which = { active = true } }; print(#guests, #missing)",
    "local results = fleet:map(function(guest) return (guest:get_state()) end, { which = { active = true }, per_host = 4 })",
    [[for name, stats in pairs(fleet:stats{ groups = { "cpu" }, active = true }) do print(name, stats) end]],
    [[for event in fleet:events({ "lifecycle", "disconnected" }, { duration = 60 }) do print(event.host_name, event.guest, event.type) end]],
  },
  { "Workflows", [[
local host = guestlua.open()
local guest = host:guest("web1")
local workflow = guestlua.workflow]],
    "workflow.clean_shutdown(guest, { timeout = 120, force = true })",
    "workflow.resume(guest, { timeout = 120 })",
    [[workflow.clone(guest, { name = "web2", disks = "overlay", to = "/images", start = true })]],
    [[workflow.attach_with_retry(guest, guestlua.device.disk{ type = "file", device = "disk", driver = { name = "qemu", type = "qcow2" },
  source = { file = "/images/data.qcow2" }, target = { dev = "vdb", bus = "virtio" }, alias = { name = "ua-data" } })]],
    [[workflow.detach_with_retry(guest, "ua-data", { timeout = 30, missing_ok = true })]],
    [[workflow.volume_snapshot_create(guest, "vda", { new_file = "web1-tuesday.qcow2", quiesce = true })]],
    [[workflow.volume_snapshot_delete(guest, "vda", { file_to_merge = "/images/web1-tuesday.qcow2", merge_target_file = "/images/web1.qcow2" })]],
    [[workflow.offline_migrate(guest, guestlua.open("qemu+ssh://root@node8/system"))]],
    [[for _, moved in ipairs(workflow.drain(host, { to = { guestlua.open("qemu+ssh://root@node8/system") }, limit = 4 }).moved) do
  print(moved.guest, moved.to)
end]],
    [[for _, backup in ipairs(workflow.backups("/backup/web1")) do print(backup.id, backup.time, backup.level_used, backup.consistency) end]],
    [[for _, backup in ipairs(workflow.verify("/backup/web1", { all = true, boot = true })) do print(backup.id, backup.ok) end]],
    [[print(#workflow.prune(host, "/backup/web1", { keep = { daily = 7, weekly = 4 } }).pruned)]],
    [[workflow.restore(host, { from = "/backup/web1", at = "2026-01-31T12:00:00Z", name = "web1-january", to = "/images", start = true })]],
  },
}
