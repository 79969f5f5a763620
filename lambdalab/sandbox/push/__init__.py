"""Services that push: S3, SNS, EventBridge, EventBridge Scheduler and CloudWatch Logs.

moto stores what is to be sent where. Here it is sent: each module puts itself in the place of
what moto does, or leaves undone, for one service.
"""
