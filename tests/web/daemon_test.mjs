export async function testDaemon() {}
