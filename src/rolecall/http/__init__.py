"""What do all HTTP fronts share: who asks, how much may be sent, what goes around every answer?"""
