"""The head unit: a driver's menu in the style of iDrive, the car behind it, and the bench around it."""
