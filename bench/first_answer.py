import libvirt

conn = libvirt.open("test:///default")
print(conn.lookupByName("test").isActive())
conn.close()
