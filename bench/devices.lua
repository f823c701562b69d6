-- guestlua's side of bench/devices: see devices.c. What a call gives is used, as a script would use it.

local host = guestlua.open("test:///default")
local guests, last_disk, devices = {}, {}, {}
for i = 1, #arg do
  local file = assert(io.open(arg[i]))
  guests[i] = host:write_instance_config(file:read("a"))
  file:close()
  guests[i]:launch()
  local disks = guests[i]:get_all_disks()
  last_disk[i] = disks[#disks].target.dev
  devices[i] = tonumber(arg[i]:match("(%d+)%.xml$"))
end

local calls = {
  get_disk = function(i)
    return guests[i]:get_disk(last_disk[i]).source.file:find("^/")
  end,
  get_all_devices = function(i)
    return #guests[i]:get_all_devices() >= devices[i]
  end,
  get_config = function(i)
    return guests[i]:get_config().name[1]:find("^devices")
  end,
}

io.stdout:setvbuf("line")
print("ready")
for line in io.lines() do
  local name, domain, count = line:match("^(%S+) (%d+) (%d+)$")
  local call, i, n = calls[name], tonumber(domain), tonumber(count)
  local start = os.clock()
  for _ = 1, n do
    assert(call(i))
  end
  print(("%.0f"):format((os.clock() - start) * 1e9 / n))
end
host:close()
