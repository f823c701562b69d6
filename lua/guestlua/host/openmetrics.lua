-- Statistics of guests in OpenMetrics text, by the names that the common exporters for libvirt have; or in the older text format of Prometheus, which
-- is all that node_exporter reads in files: there the whole name of a counter has its type, and nothing marks the end.

local openmetrics = {}

local NANOSECONDS, KIB = 1e-9, 1024

-- Of a guest: family, type, help, and where in its statistics the value is, by what it is multiplied. `each`: for each entry of a part of the
-- statistics, with the label that distinguishes it.
local FAMILIES = {
  { "libvirt_domain_info_vstate", "gauge", "The state as libvirt numbers it: 1 running, 3 paused, 5 off.", "state.state" },
  { "libvirt_domain_info_cpu_time_seconds", "counter", "Processor time that the guest has used.", "cpu.time", NANOSECONDS },
  { "libvirt_domain_info_virtual_cpus", "gauge", "Processors that the guest has.", "vcpu.current" },
  { "libvirt_domain_info_maximum_memory_bytes", "gauge", "Memory that the guest may have.", "balloon.maximum", KIB },
  { "libvirt_domain_info_memory_usage_bytes", "gauge", "Memory that the guest has.", "balloon.current", KIB },
  { "libvirt_domain_memory_stats_actual_balloon_bytes", "gauge", "Memory that the balloon leaves.", "balloon.current", KIB },
  { "libvirt_domain_memory_stats_unused_bytes", "gauge", "Memory that the guest leaves unused.", "balloon.unused", KIB },
  { "libvirt_domain_memory_stats_available_bytes", "gauge", "Memory that the guest sees.", "balloon.available", KIB },
  { "libvirt_domain_memory_stats_usable_bytes", "gauge", "Memory that the guest could have without swapping.", "balloon.usable", KIB },
  { "libvirt_domain_memory_stats_disk_cache_bytes", "gauge", "Memory that the guest has for its caches.", "balloon.disk_caches", KIB },
  { "libvirt_domain_memory_stats_rss_bytes", "gauge", "Memory of the host that the guest's process has.", "balloon.rss", KIB },
  { "libvirt_domain_memory_stats_swap_in_bytes", "counter", "What the guest read from its swap.", "balloon.swap_in", KIB },
  { "libvirt_domain_memory_stats_swap_out_bytes", "counter", "What the guest wrote to its swap.", "balloon.swap_out", KIB },
  { "libvirt_domain_memory_stats_major_fault", "counter", "Page faults that had to read.", "balloon.major_fault" },
  { "libvirt_domain_memory_stats_minor_fault", "counter", "Other page faults.", "balloon.minor_fault" },
}

local function add(each, prefix, rows)
  for _, row in ipairs(rows) do
    FAMILIES[#FAMILIES + 1] = { prefix .. row[1], row[2], row[3], row[4], row[5], each = each, label = each == "vcpu" and each or "target_device" }
  end
end

add("vcpu", "libvirt_domain_vcpu_", {
  { "state", "gauge", "State of a processor: 0 offline, 1 running, 2 blocked.", "state" },
  { "time_seconds", "counter", "Time that a processor has run.", "time", NANOSECONDS },
  { "wait_seconds", "counter", "Time that a processor has waited for the host.", "wait", NANOSECONDS },
  { "delay_seconds", "counter", "Time that a processor was ready and not run.", "delay", NANOSECONDS },
})

add("block", "libvirt_domain_block_stats_", {
  { "read_bytes", "counter", "What was read.", "rd.bytes" },
  { "read_requests", "counter", "Requests to read.", "rd.reqs" },
  { "read_time_seconds", "counter", "Time spent on reads.", "rd.times", NANOSECONDS },
  { "write_bytes", "counter", "What was written.", "wr.bytes" },
  { "write_requests", "counter", "Requests to write.", "wr.reqs" },
  { "write_time_seconds", "counter", "Time spent on writes.", "wr.times", NANOSECONDS },
  { "flush_requests", "counter", "Requests to flush.", "fl.reqs" },
  { "flush_time_seconds", "counter", "Time spent on flushes.", "fl.times", NANOSECONDS },
  { "allocation", "gauge", "How far the image is written, in bytes.", "allocation" },
  { "capacity_bytes", "gauge", "Size of the disk as the guest sees it.", "capacity" },
  { "physicalsize_bytes", "gauge", "What the image takes on the host.", "physical" },
})

local BOTH_WAYS = { { "receive", "rx" }, { "transmit", "tx" } }
for _, way in ipairs(BOTH_WAYS) do
  add("net", "libvirt_domain_interface_stats_" .. way[1], {
    { "_bytes", "counter", "Bytes over the interface.", way[2] .. ".bytes" },
    { "_packets", "counter", "Packets over the interface.", way[2] .. ".pkts" },
    { "_errors", "counter", "Errors of the interface.", way[2] .. ".errs" },
    { "_drops", "counter", "Packets that the interface dropped.", way[2] .. ".drop" },
  })
end

local function value_at(stats, path)
  for part in path:gmatch("[^.]+") do
    stats = type(stats) == "table" and stats[part] or nil
  end
  return math.type(stats) and stats or nil
end

local function quoted(text)
  text = utf8.len(text) and text or text:gsub("[\128-\255]", "?")
  return '"' .. text:gsub('[\\"\n]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }) .. '"'
end

local function labels(list)
  local parts = {}
  for i = 1, #list, 2 do
    parts[#parts + 1] = list[i] .. "=" .. quoted(tostring(list[i + 1]))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function number(value, factor)
  value = factor and value * factor or value
  return math.type(value) == "integer" and tostring(value) or value == math.floor(value) and ("%.0f"):format(value) or ("%.9f"):format(value)
end

local function heading(lines, name, kind, help)
  lines[#lines + 1] = ("# TYPE %s %s"):format(name, kind)
  lines[#lines + 1] = ("# HELP %s %s"):format(name, help)
end

local function sorted(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) then
      return a < b
    end
    return type(a) == "number"
  end)
  return keys
end

local function suffix_of(family)
  return family[2] == "counter" and "_total" or ""
end

-- The samples of a family of one guest.
local function samples(lines, family, place, stats)
  local function sample(value, more)
    if value then
      lines[#lines + 1] = ("%s%s%s %s"):format(family[1], suffix_of(family), labels(more), number(value, family[5]))
    end
  end
  if not family.each then
    return sample(value_at(stats, family[4]), place)
  end
  local part, seen = stats[family.each] or {}, {}
  for _, key in ipairs(sorted(part)) do
    local entry = part[key]
    local name = type(entry) == "table" and (family.each == "vcpu" and key or entry.name)
    if type(key) == "number" and name and not seen[name] then -- a disk's images all have its name
      seen[name] = true
      sample(value_at(entry, family[4]), { place[1], place[2], place[3], place[4], family.label, name })
    end
  end
end

-- Guests that are counted, host by host, and how many more there are.
local function chosen(stats, most)
  local list, more = {}, 0
  for _, host in ipairs(sorted(stats)) do
    for _, guest in ipairs(sorted(stats[host])) do
      if #list < most then
        list[#list + 1] = { { "host", host, "domain", guest }, stats[host][guest] }
      else
        more = more + 1
      end
    end
  end
  return list, more
end

-- The text. stats: from a host's name to what its host:stats gave. down: the names of the hosts that did not answer. most: guests at most, so that
-- the number of series is bounded. older: in the older format.
function openmetrics.text(stats, down, most, older)
  local lines, guests, more = {}, chosen(stats, most)
  heading(lines, "libvirt_up", "gauge", "Whether the host answered.")
  for _, host in ipairs(sorted(stats)) do
    lines[#lines + 1] = "libvirt_up" .. labels({ "host", host }) .. " 1"
  end
  for _, host in ipairs(down) do
    lines[#lines + 1] = "libvirt_up" .. labels({ "host", host }) .. " 0"
  end
  heading(lines, "libvirt_domains", "gauge", "Guests of the host.")
  for _, host in ipairs(sorted(stats)) do
    lines[#lines + 1] = ("libvirt_domains%s %d"):format(labels({ "host", host }), #sorted(stats[host]))
  end
  heading(lines, "libvirt_domains_left_out", "gauge", "Guests that are in no other metric, as there are too many.")
  lines[#lines + 1] = ("libvirt_domains_left_out %d"):format(more)
  for _, family in ipairs(FAMILIES) do
    local found = {}
    for _, guest in ipairs(guests) do
      samples(found, family, guest[1], guest[2])
    end
    if #found > 0 then
      heading(lines, family[1] .. (older and suffix_of(family) or ""), family[2], family[3])
      table.move(found, 1, #found, #lines + 1, lines)
    end
  end
  lines[#lines + 1] = older and "" or "# EOF\n"
  return table.concat(lines, "\n")
end

return openmetrics
